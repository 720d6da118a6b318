package storetest

import (
	"bytes"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nacre/server/journal"
	"nacre/server/store"
	"nacre/server/store/mariadbtest"
)

// cutter passes bytes between clients and a database and, when told to, cuts a connection at the
// client's next COMMIT: after the database has answered it, or before it has seen it.
type cutter struct {
	listener net.Listener
	to       string
	cut      atomic.Int32
	running  sync.WaitGroup
}

const (
	cutBefore = 1
	cutAfter  = 2
)

var commitPacket = append([]byte{7, 0, 0, 0, 3}, "COMMIT"...)

func newCutter(t *testing.T, dsn string) (*cutter, string) {
	t.Helper()
	addr := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(dsn)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, to: addr}
	c.running.Go(c.serve)
	t.Cleanup(func() { l.Close(); c.running.Wait() })
	return c, strings.Replace(dsn, addr, l.Addr().String(), 1)
}

func (c *cutter) serve() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.to)
		if err != nil {
			client.Close()
			return
		}
		var deaf atomic.Bool // the client gets no more answers
		c.running.Go(func() {
			defer client.Close()
			b := make([]byte, 1<<16)
			for {
				n, err := server.Read(b)
				if deaf.Load() || err != nil {
					return
				}
				if _, err := client.Write(b[:n]); err != nil {
					return
				}
			}
		})
		c.running.Go(func() {
			defer server.Close()
			b := make([]byte, 1<<16)
			for {
				n, err := client.Read(b)
				if err != nil {
					return
				}
				if bytes.Equal(b[:n], commitPacket) {
					switch c.cut.Swap(0) {
					case cutBefore:
						return
					case cutAfter:
						deaf.Store(true)
					}
				}
				if _, err := server.Write(b[:n]); err != nil {
					return
				}
			}
		})
	}
}

func TestACommitThatIsNotConfirmedIsLookedUp(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	c, through := newCutter(t, dsn)
	var heard []uint64
	m := open(t, through, store.MySQLOptions{WriteTimeout: 10 * time.Second, Committed: func(_, after uint64, _ []journal.Change) { heard = append(heard, after) }})
	for _, tt := range []struct {
		name string
		cut  int32
	}{
		{"cut before the database saw it", cutBefore},
		{"cut after the database did it", cutAfter},
	} {
		k := public(strings.ReplaceAll(tt.name, " ", "-"))
		c.cut.Store(tt.cut)
		before, err := m.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		heard = nil
		out := mustCommit(t, m, publish(t, k, "x", ""))
		if c.cut.Load() != 0 {
			t.Fatalf("%s: no COMMIT was seen", tt.name)
		}
		configs, _ := load(t, m)
		if it := configs.Get(k); it == nil || it.Formal.Revision != before+1 || out[0].Revision != before+1 || out[0].ID != it.Formal.ID || len(heard) != 1 || heard[0] != before+1 {
			t.Errorf("%s: it is there as %+v after revision %d, was answered as %+v and told as %v", tt.name, it, before, out[0], heard)
		}
		if h, err := m.Queries().History(t.Context(), k, "", 1, 10); err != nil || h.Total != 1 {
			t.Errorf("%s: it was written %d times, %v", tt.name, h.Total, err)
		}
	}
}
