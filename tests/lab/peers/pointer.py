"""pointer.py SECONDS [PAUSE]: move the display's mouse pointer to and fro, as a user's hand would."""
import ctypes
import sys
import time

x = ctypes.CDLL("libX11.so.6")
for name in ("XOpenDisplay", "XDefaultRootWindow"):
    getattr(x, name).restype = ctypes.c_void_p
display = ctypes.c_void_p(x.XOpenDisplay(None))
root = ctypes.c_ulong(x.XDefaultRootWindow(display))
pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0.25
for i in range(int(float(sys.argv[1]) / pause)):
    x.XWarpPointer(display, ctypes.c_ulong(0), root, 0, 0, 0, 0, 100 + i % 40 * 10, 120 + i % 7 * 20)
    x.XSync(display, 0)
    time.sleep(pause)
