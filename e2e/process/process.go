// Package process runs Nacre's binary for end-to-end tests: built once, started on a data folder,
// stopped in order, or killed.
package process

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Main builds the binary, runs the tests of a package, and returns the exit code for TestMain.
func Main(m *testing.M, binary *string) int {
	dir, err := os.MkdirTemp("", "nacre-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	*binary = filepath.Join(dir, "nacre")
	build := exec.Command("go", "build", "-tags", "failpoint", "-o", *binary, "nacre")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Config says how a process is started. Binary and Dir are required.
type Config struct {
	Binary string
	// Dir is the data folder.
	Dir string
	// HTTP and GRPC are the addresses to listen on; empty ones are free ports of the loopback interface.
	HTTP, GRPC string
	// Args stand after the others, Env after the environment of the test.
	Args, Env []string
}

// Process is a running server.
type Process struct {
	// URL is http://host:port; GRPC is the address of gRPC for clients.
	URL, GRPC string

	cmd  *exec.Cmd
	log  *lockedBuffer
	done chan error
}

// lockedBuffer is written by the process's output and read by tests.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freeAddrs returns different addresses of the loopback interface that nobody listens on now.
func freeAddrs(n int) ([]string, error) {
	out := make([]string, n)
	for i := range out {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close() // not before the others have theirs
		out[i] = ln.Addr().String()
	}
	return out, nil
}

// Start starts a server and returns when it is ready; the test ends it in the end.
func Start(t *testing.T, c Config) *Process {
	t.Helper()
	p, err := Try(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// Try starts a server and returns when it is ready, or with its output when it ended.
func Try(c Config) (*Process, error) {
	p := &Process{log: &lockedBuffer{}, done: make(chan error, 1)}
	free, err := freeAddrs(2)
	if err != nil {
		return nil, err
	}
	for i, addr := range []*string{&c.HTTP, &c.GRPC} {
		if *addr == "" {
			*addr = free[i]
		}
	}
	p.URL, p.GRPC = "http://"+c.HTTP, c.GRPC
	args := []string{"serve", "--data-dir", c.Dir, "--http-addr", c.HTTP, "--grpc-addr", c.GRPC, "--access-log", "off", "--log-level", "warn"}
	p.cmd = exec.Command(c.Binary, append(args, c.Args...)...)
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p, p.waitReady()
}

func (p *Process) waitReady() error {
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	for range 3000 {
		select {
		case err := <-p.done:
			p.done <- err
			return fmt.Errorf("the server ended at its start: %v\n%s", err, p.log)
		default:
		}
		if res, err := client.Get(p.URL + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.Kill()
	return fmt.Errorf("the server was not ready in time\n%s", p.log)
}

// Log returns what the process has written.
func (p *Process) Log() string { return p.log.String() }

// PID returns the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the process as a power cut would, but for what the kernel holds.
func (p *Process) Kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	err := <-p.done
	p.done <- err
}

// Wait waits until the process has ended by itself, and returns how; the test fails after limit.
func (p *Process) Wait(t *testing.T, limit time.Duration) error {
	t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(limit):
		t.Fatalf("the process still runs after %v\n%s", limit, p.log)
		return nil
	}
}

// Terminate stops the process in order, within 20 seconds.
func (p *Process) Terminate(t *testing.T) {
	t.Helper()
	_ = p.Signal(syscall.SIGTERM)
	if err := p.Wait(t, 20*time.Second); err != nil {
		t.Fatalf("after SIGTERM the server ended with %v\n%s", err, p.log)
	}
}
