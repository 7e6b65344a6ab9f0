"""Ground floor: records, decisions, errors and the registry. Standard library and pyarrow only."""
