"""Few prompts that stand for many: neighbours, facility location, quotas, topics."""
