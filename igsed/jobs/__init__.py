"""What surrounds the work of jobs: whole outputs, records, locks, progress, provenance, devices."""
