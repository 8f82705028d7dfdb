"""What people and programs are told: pages, problems, the words of every code, limits in words."""
