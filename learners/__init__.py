"""Learners: how does the policy act, learn and get measured, on the devices of one process?"""
