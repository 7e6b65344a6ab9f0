"""What findings come to: files, the gate, two audits compared, and what a leak did to a score."""
