"""The program that planner, tiler and runtime share."""
