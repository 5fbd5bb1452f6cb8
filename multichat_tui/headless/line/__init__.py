"""Line mode: the program for screen readers, dumb terminals and pipes. Plain lines in and out, no escape sequence ever."""
