package link

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// limitUnsent has the kernel end a connection whose other machine acknowledges nothing any more.
func limitUnsent(nc net.Conn) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unsentTime.Milliseconds()))
		})
	}
}

// unsentTime is how long what was sent may stay without an answer of the other machine's kernel.
const unsentTime = 5 * time.Second
