"""Changes to exports: each function is one transaction, or says otherwise."""
