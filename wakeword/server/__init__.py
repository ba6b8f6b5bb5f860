"""Services that hear keywords for other programs. Nothing here is imported until a service is started.

pcm.py          raw bytes of any rate, width and channels -> the Detector's samples
catalogue.py    which models a service offers, and under which names
limits.py       what one client, and all of them, may take
web*.py         the demonstration's page and its WebSocket: page, protocol, session, server; strip.py what it draws
wyoming_*.py    the Wyoming protocol, as Home Assistant speaks it: wire, info, session, service, advertise
"""
