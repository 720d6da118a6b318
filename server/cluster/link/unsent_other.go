//go:build !linux

package link

import "net"

// limitUnsent does nothing where the kernel has no such limit.
func limitUnsent(net.Conn) {}
