package conn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// plain is fasthttp's own server, to compare with.
func plain(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &fasthttp.Server{Handler: echo, ReadBufferSize: 16 << 10, ReadTimeout: 10 * time.Second, IdleTimeout: 5 * time.Second,
		MaxIdleWorkerDuration: 50 * time.Millisecond, CloseOnShutdown: true}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	b.Cleanup(func() { _ = s.Shutdown(); <-done })
	return ln.Addr().String()
}

func BenchmarkRequest(b *testing.B) {
	ours := func(b *testing.B) string { return start(b, nil).addr }
	req := []byte("GET /a HTTP/1.1\r\nHost: h\r\nX: xxxxxxxx\r\n\r\n")
	for name, addr := range map[string]func(*testing.B) string{"ours": ours, "fasthttp": plain} {
		b.Run("kept/"+name, func(b *testing.B) {
			a := addr(b)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				c, err := net.Dial("tcp", a)
				if err != nil {
					b.Error(err)
					return
				}
				defer c.Close()
				buf := make([]byte, 1024)
				for pb.Next() {
					_, _ = c.Write(req)
					if _, err := c.Read(buf); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
		b.Run("fresh/"+name, func(b *testing.B) {
			a := addr(b)
			b.ReportAllocs()
			buf := make([]byte, 1024)
			for b.Loop() {
				c, err := net.Dial("tcp", a)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = c.Write(req)
				if _, err := c.Read(buf); err != nil {
					b.Fatal(err)
				}
				_ = c.(*net.TCPConn).SetLinger(0)
				c.Close()
			}
		})
	}
}

// BenchmarkMemoryPerIdleConnection reports what a connection costs that had a request, in heap and stacks,
// after it was given up; with large, its request had a head of 100 KiB.
func BenchmarkMemoryPerIdleConnection(b *testing.B) {
	for name, size := range map[string]int{"small": 200, "large": 100 << 10} {
		b.Run(name, func(b *testing.B) {
			const n = 2000
			for b.Loop() {
				s := start(b, func(c *Config) { c.GiveBack = 10 * time.Millisecond })
				req, _ := head("/a", size)
				buf := make([]byte, 1024)
				before := memory()
				conns := make([]net.Conn, n)
				for i := range conns {
					c, err := net.Dial("tcp", s.addr)
					if err != nil {
						b.Fatal(err)
					}
					_, _ = io.WriteString(c, req)
					if _, err := c.Read(buf); err != nil {
						b.Fatal(err)
					}
					conns[i] = c
				}
				eventually(b, func() error {
					if a := s.Stats().Active; a != 0 {
						return fmt.Errorf("%d are active", a)
					}
					if s.Stats().Open != n {
						return errors.New("some were closed")
					}
					return nil
				})
				// The client's half is counted too.
				b.ReportMetric((memory()-before)/n, "B/connection")
				for _, c := range conns {
					c.Close()
				}
			}
		})
	}
}

func memory() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}
