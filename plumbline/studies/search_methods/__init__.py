"""The search's methods beside each other: TPE, random draws, a grid."""
