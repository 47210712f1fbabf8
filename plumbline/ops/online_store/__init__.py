"""Feature stores on servers: settings, registry and online values, published, compared and put back."""
