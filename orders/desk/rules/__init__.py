"""Rules that a clerk builds: rows of conditions in groups, what to do when they match, tried one after the other.

`fields` says what an order can be asked, `conditions` turns the saved rows into a test, `deeds` says what a rule may
do, `engine` runs a set of rules over a page of orders, `facts` brings what the rules look at. Nothing in here writes.
"""
