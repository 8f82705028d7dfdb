"""This machine: programs, folders, ports, settings from the environment. No Django."""
