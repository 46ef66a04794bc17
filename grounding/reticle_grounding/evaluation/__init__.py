"""What the evaluation is made of: targets, sets, baselines, figures of risk and their picture."""
