"""What support and administrators do, and the pages of the admin that all apps build on."""
