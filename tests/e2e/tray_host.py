"""Plays the part of a desktop that shows tray icons: the watcher that applications register with, and a host's hand.

Speaks StatusNotifierItem and com.canonical.dbusmenu, as their published XML files define them. Runs with the system's
Python, which has GLib's D-Bus, on the session bus of the desktop under test. Commands are read from stdin, one a line,
each answered by one JSON line: ``item`` (what the icon tells of itself), ``menu`` (its entries), ``activate`` (a click
on the icon) and ``click WORDS`` (a click on an entry).
"""

import json
import sys

from gi.repository import Gio, GLib

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM, MENU = "org.kde.StatusNotifierItem", "com.canonical.dbusmenu"
XML = f"""<node><interface name="{WATCHER}">
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
<method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
<property name="RegisteredStatusNotifierItems" type="as" access="read"/>
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
<property name="ProtocolVersion" type="i" access="read"/>
<signal name="StatusNotifierItemRegistered"><arg type="s"/></signal>
</interface></node>"""
WAIT_MS = 10_000

items = []
bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)


def called(connection, sender, path, interface, method, arguments, invocation):
    if method == "RegisterStatusNotifierItem":
        items.append(sender)
        told = GLib.Variant("(s)", (arguments.unpack()[0],))
        connection.emit_signal(None, path, WATCHER, "StatusNotifierItemRegistered", told)
        say({"registered": arguments.unpack()[0]})
    invocation.return_value(None)


def asked(connection, sender, path, interface, name):
    return {
        "RegisteredStatusNotifierItems": GLib.Variant("as", items),
        "IsStatusNotifierHostRegistered": GLib.Variant("b", True),
        "ProtocolVersion": GLib.Variant("i", 0),
    }[name]


def say(row):
    print(json.dumps(row), flush=True)


def call(path, interface, method, arguments=None):
    answer = bus.call_sync(items[-1], path, interface, method, arguments, None, 0, WAIT_MS, None)
    return answer.unpack()


def told(name):
    return call("/StatusNotifierItem", "org.freedesktop.DBus.Properties", "Get", GLib.Variant("(ss)", (ITEM, name)))[0]


def item():
    about = {name: told(name) for name in ("Id", "Status", "Category", "Menu")}
    return about | {"pixmaps": [[width, height] for width, height, _ in told("IconPixmap")]}


def menu():
    path = told("Menu")
    call(path, MENU, "AboutToShow", GLib.Variant("(i)", (0,)))
    _, (_, _, entries) = call(path, MENU, "GetLayout", GLib.Variant("(iias)", (0, -1, [])))
    return [{"id": number, **about} for number, about, _ in entries]


def answer(line):
    word, _, rest = line.partition(" ")
    if word == "item":
        return item()
    if word == "menu":
        return menu()
    if word == "activate":
        call("/StatusNotifierItem", ITEM, "Activate", GLib.Variant("(ii)", (0, 0)))
        return "activated"
    entry = next(one for one in menu() if one.get("label", "").replace("_", "") == rest)
    call(told("Menu"), MENU, "Event", GLib.Variant("(isvu)", (entry["id"], "clicked", GLib.Variant("i", 0), 0)))
    return "clicked"


def heard(source, condition):
    line = sys.stdin.readline()
    if not line:
        loop.quit()
        return False
    try:
        say(answer(line.strip()))
    except Exception as error:  # told to the test, which knows what was to come
        say({"error": f"{type(error).__name__}: {error}"})
    return True


bus.register_object("/StatusNotifierWatcher", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], called, asked, None)
Gio.bus_own_name_on_connection(bus, WATCHER, Gio.BusNameOwnerFlags.NONE, lambda *_: say({"ready": WATCHER}), None)
GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, heard)
loop = GLib.MainLoop()
loop.run()
