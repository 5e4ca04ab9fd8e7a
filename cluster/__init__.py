"""Cluster: how do roles run on many devices and survive failures?"""
