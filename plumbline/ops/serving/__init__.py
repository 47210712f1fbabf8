"""What a service needs of the project: params, paths by role, bundles of commits."""
