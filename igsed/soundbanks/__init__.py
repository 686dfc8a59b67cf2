"""Soundbanks: isolated sound events and backgrounds that mixtures are made of."""
