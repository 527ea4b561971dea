"""Assurance: batteries of tests for forecasters, classifiers and controllers, judged by a policy. Pure."""
