"""The formats that are read: each file here declares one as ``FORMAT``, and nothing else lists them."""
