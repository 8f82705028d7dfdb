"""What happens to files: each action is one transaction, and nothing else opens one.

The batch is locked before the file.
"""
