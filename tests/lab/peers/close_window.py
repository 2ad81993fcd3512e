"""Ask the first window whose name contains the given text to close (WM_DELETE_WINDOW), as a window manager would."""
import ctypes
import sys

x = ctypes.CDLL("libX11.so.6")
for name in ("XOpenDisplay", "XDefaultRootWindow", "XInternAtom"):
    getattr(x, name).restype = ctypes.c_void_p
x.XInternAtom.restype = ctypes.c_ulong
x.XDefaultRootWindow.restype = ctypes.c_ulong


class ClientMessage(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("pad", ctypes.c_long * 24),
    ]


def find(display, window, text):
    name = ctypes.c_char_p()
    if x.XFetchName(display, ctypes.c_ulong(window), ctypes.byref(name)) and name.value and text in name.value:
        return window
    root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    children = ctypes.POINTER(ctypes.c_ulong)()
    x.XQueryTree(display, ctypes.c_ulong(window), ctypes.byref(root), ctypes.byref(parent),
                 ctypes.byref(children), ctypes.byref(count))
    for i in range(count.value):
        hit = find(display, children[i], text)
        if hit:
            return hit
    return None


display = ctypes.c_void_p(x.XOpenDisplay(None))
window = find(display, x.XDefaultRootWindow(display), sys.argv[1].encode())
if not window:
    sys.exit("no window named " + sys.argv[1])
event = ClientMessage(type=33, window=window, format=32,
                      message_type=x.XInternAtom(display, b"WM_PROTOCOLS", 0))
event.data[0] = x.XInternAtom(display, b"WM_DELETE_WINDOW", 0)
x.XSendEvent(display, ctypes.c_ulong(window), 0, 0, ctypes.byref(event))
x.XFlush(display)
x.XSync(display, 0)
