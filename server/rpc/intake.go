package rpc

import (
	"encoding/binary"
	"errors"
	"sync"

	"golang.org/x/net/http2"
)

// Bounds of what clients may leave unfinished. gRPC itself knows none but those of one message and of the number of
// calls, which together allow 10 GiB to every connection.
const (
	// unfinishedMost is how many bytes of messages may wait for their rest or be worked on, over all connections. Above
	// it connections that send more are closed, when their own part is unfinishedOwn at least.
	unfinishedMost = 256 << 20
	unfinishedOwn  = 1 << 20
	// largeMessage is from when on a message counts while it is worked on.
	largeMessage = 64 << 10
	// answersMost is how many bytes of large answers may wait for one client to read them.
	answersMost = 64 << 20
)

var (
	errCrowded = errors.New("too much is unfinished")
	errFrames  = errors.New("frames that no client of gRPC sends")
)

// intake follows the frames of HTTP/2 that a client sends, and counts the bytes of messages whose rest has
// not come. Messages in one frame, which is nearly all, cost it the look at a frame's head.
type intake struct {
	preface int // bytes of it that are to come
	head    [frameHead]byte
	heads   int // bytes of head that came
	left    int // bytes of the frame's payload that are to come
	part    int // whose they are, -1 when they do not count
	parts   []part

	mu   sync.Mutex // guards what follows, which others than the reader look at
	held int64
	fed  int64 // when held last grew, on Server.mono
	over bool  // the connection is closed
}

const frameHead = 9

// part is a stream that the client has not ended and that sent something.
type part struct {
	stream uint32
	prefix uint8  // bytes of the message's prefix that came
	size   uint32 // of the message, as its prefix says
	got    uint32 // bytes of it that came
	held   uint32 // those of them that count: got, or 0 when the message is larger than may be
}

// prefixSize is that of the flag and the length before each message of gRPC.
const prefixSize = 5

// received takes account of bytes that were read. An error ends the connection.
func (l *link) received(p []byte) error {
	in := &l.intake
	delta := int64(0)
	for len(p) > 0 {
		switch {
		case in.preface > 0:
			n := min(in.preface, len(p))
			in.preface, p = in.preface-n, p[n:]
		case in.left > 0:
			n := min(in.left, len(p))
			if in.part >= 0 {
				delta += in.parts[in.part].feed(p[:n], l.srv.cfg.Limits.Message)
			}
			in.left, p = in.left-n, p[n:]
		default:
			n := copy(in.head[in.heads:], p)
			if in.heads, p = in.heads+n, p[n:]; in.heads == frameHead {
				in.heads = 0
				ended, err := in.frame()
				if err != nil {
					return err
				}
				delta -= ended
			}
		}
	}
	if delta == 0 {
		return nil
	}
	return l.hold(delta)
}

// frame reads the head of a frame, and returns how many bytes do not count any more.
func (in *intake) frame() (ended int64, err error) {
	h := in.head[:]
	in.left = int(h[0])<<16 | int(h[1])<<8 | int(h[2])
	kind, flags, stream := http2.FrameType(h[3]), http2.Flags(h[4]), binary.BigEndian.Uint32(h[5:])&(1<<31-1)
	in.part = -1
	switch kind {
	case http2.FrameData:
		if flags.Has(http2.FlagDataPadded) {
			return 0, errFrames
		}
		i := in.find(stream)
		switch {
		case flags.Has(http2.FlagDataEndStream):
			return in.end(i), nil // complete, so that it is handled now
		case i < 0:
			if len(in.parts) >= 2*maxStreams {
				return 0, errFrames
			}
			in.parts = append(in.parts, part{stream: stream})
			i = len(in.parts) - 1
		}
		in.part = i
	case http2.FrameRSTStream:
		return in.end(in.find(stream)), nil
	}
	return 0, nil
}

func (in *intake) find(stream uint32) int {
	for i := range in.parts {
		if in.parts[i].stream == stream {
			return i
		}
	}
	return -1
}

// end forgets a stream and returns how many bytes of it counted.
func (in *intake) end(i int) int64 {
	if i < 0 {
		return 0
	}
	held := in.parts[i].held
	last := len(in.parts) - 1
	in.parts[i] = in.parts[last]
	in.parts = in.parts[:last]
	return int64(held)
}

// feed takes bytes of a stream's messages, and returns by how many more of them count.
func (m *part) feed(p []byte, limit int) int64 {
	before := m.held
	for len(p) > 0 {
		if m.prefix < prefixSize {
			if m.prefix > 0 { // the first byte says whether it is compressed
				m.size = m.size<<8 | uint32(p[0])
			}
			m.prefix++
			p = p[1:]
		} else {
			n := min(int(m.size-m.got), len(p))
			m.got += uint32(n)
			if int64(m.size) <= int64(limit) { // gRPC keeps nothing of those that are larger
				m.held += uint32(n)
			}
			p = p[n:]
		}
		if m.prefix == prefixSize && m.got == m.size {
			m.prefix, m.size, m.got, m.held = 0, 0, 0, 0 // complete, so that it is handled now
		}
	}
	return int64(m.held) - int64(before)
}

// hold adds to what of the connection is unfinished.
func (l *link) hold(delta int64) error {
	in := &l.intake
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.over {
		return nil
	}
	in.held += delta
	total := l.srv.unfinished.Add(delta)
	if delta <= 0 {
		return nil
	}
	in.fed = l.srv.mono()
	if total > unfinishedMost && in.held > unfinishedOwn {
		l.srv.refused.Add(1)
		l.srv.cfg.Log.Warn("a gRPC connection was closed, as too many bytes of messages wait for their rest", "client", l.remote, "its", in.held, "all", total)
		return errCrowded
	}
	return nil
}

// release settles the account of a connection that is over.
func (l *link) release() {
	in := &l.intake
	in.mu.Lock()
	defer in.mu.Unlock()
	in.over = true
	l.srv.unfinished.Add(-in.held)
	in.held = 0
}

// stands reports whether a large message of the connection has not gone on since a time.
func (l *link) stands(since int64) bool {
	in := &l.intake
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.held >= largeMessage && in.fed < since
}
