"""LivingLab: a lakehouse for medical data in which every step leaves a proof."""
