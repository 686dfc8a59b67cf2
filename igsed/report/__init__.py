"""What people look at: tables, figures and texts, made from the numbers of an evaluation."""
