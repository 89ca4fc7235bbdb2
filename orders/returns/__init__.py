"""Goods that come back, from the wish to the money: requesting, receiving, inspecting, refunding."""
