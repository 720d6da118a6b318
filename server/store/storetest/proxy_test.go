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

	"nacre/server/config"
	"nacre/server/fault"
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

func TestACommitThatIsNotConfirmedIsSaidToBeUnknown(t *testing.T) {
	dsn := mariadbtest.Shared(t).Database(t)
	c, through := newCutter(t, dsn)
	m := open(t, through, store.MySQLOptions{WriteTimeout: 3 * time.Second})
	for _, tt := range []struct {
		name  string
		cut   int32
		there bool
	}{
		{"cut before the database saw it", cutBefore, false},
		{"cut after the database did it", cutAfter, true},
	} {
		k := public(strings.ReplaceAll(tt.name, " ", "-"))
		c.cut.Store(tt.cut)
		_, err := m.Commit(t.Context(), []journal.Command{publish(t, k, "x", "")})
		if fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.TextOf(err), "not known") {
			t.Errorf("%s: %v", tt.name, err)
		}
		if c.cut.Load() != 0 {
			t.Fatalf("%s: no COMMIT was seen", tt.name)
		}
		eventually(t, func() error { // the next write goes on, whatever became of that one
			_, err := m.Commit(t.Context(), []journal.Command{publish(t, public("next"), tt.name, "")})
			return err
		})
		if configs, _ := load(t, m); (configs.Get(k) != nil) != tt.there {
			t.Errorf("%s: it is there: %t", tt.name, configs.Get(k) != nil)
		} else if configs.Get(config.Key{Namespace: "public", Group: "g", DataID: "next"}) == nil {
			t.Errorf("%s: the next write is not there", tt.name)
		}
	}
}
