"""What a conversation must be: residue removed, openings checked, attacks tagged."""
