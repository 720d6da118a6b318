package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Config says how nodes are started.
type Config struct {
	Binary string
	// Dir gets a folder for each node: data, log and clock.
	Dir string
	// Small puts each node's data on a file system of its own that can be filled.
	Small bool
	// Points are failpoints that are set on every node.
	Points string
}

// Lab is a cluster under test.
type Lab struct {
	*Network
	cfg Config

	mu    sync.Mutex
	nodes map[int]*Node
}

// Node is one server and its data.
type Node struct {
	ID  int
	Dir string // of data

	lab    *Lab
	home   string
	starts atomic.Int64

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
	err  error // why it ended
}

// New makes nodes 1 to n and starts none.
func New(net *Network, n int, cfg Config) (*Lab, error) {
	l := &Lab{Network: net, cfg: cfg, nodes: map[int]*Node{}}
	if err := os.WriteFile(l.key(), []byte("the key that all nodes of this run share\n"), 0o600); err != nil {
		return nil, err
	}
	for id := 1; id <= n; id++ {
		if err := l.AddNode(id); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *Lab) key() string { return filepath.Join(l.cfg.Dir, "cluster.key") }

// AddNode makes a node.
func (l *Lab) AddNode(id int) error {
	if err := l.Add(id); err != nil {
		return err
	}
	n := &Node{ID: id, lab: l, home: filepath.Join(l.cfg.Dir, fmt.Sprint("node", id))}
	n.Dir = filepath.Join(n.home, "data")
	if err := os.MkdirAll(n.Dir, 0o755); err != nil {
		return err
	}
	if l.cfg.Small {
		if err := syscall.Mount("torture", n.Dir, "tmpfs", 0, "size=128m"); err != nil {
			return fmt.Errorf("a file system that can be filled: %w", err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nodes[id] = n
	return nil
}

// Drop forgets a node that was taken out.
func (l *Lab) Drop(id int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.nodes, id)
}

// IDs returns the numbers of all nodes in their order.
func (l *Lab) IDs() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []int
	for id := 1; len(out) < len(l.nodes); id++ {
		if l.nodes[id] != nil {
			out = append(out, id)
		}
	}
	return out
}

// Node returns a node, nil when there is none.
func (l *Lab) Node(id int) *Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nodes[id]
}

// URL is where the node's HTTP is for clients.
func (l *Lab) URL(id int) string { return fmt.Sprintf("http://%s:%d", l.Control(id), l.port) }

// GRPC is the address of the node's gRPC for clients.
func (l *Lab) GRPC(id int) string { return fmt.Sprintf("%s:%d", l.Control(id), l.port+1000) }

// Address is how other nodes know the node.
func (l *Lab) Address(id int) string { return fmt.Sprintf("%s:%d", l.Peer(id), l.port) }

// Binary is the path of the program under test.
func (l *Lab) Binary() string { return l.cfg.Binary }

// Close kills all nodes.
func (l *Lab) Close() {
	for _, id := range l.IDs() {
		l.Node(id).Kill()
	}
	if l.cfg.Small {
		for _, id := range l.IDs() {
			_ = syscall.Unmount(l.Node(id).Dir, syscall.MNT_DETACH)
		}
	}
	l.Network.Close()
}

// LogPath is the file with what the node has written.
func (n *Node) LogPath() string { return filepath.Join(n.home, "log") }

// ClockPath is the file with the offset of the node's clock.
func (n *Node) ClockPath() string { return filepath.Join(n.home, "clock") }

// Starts is how often the node was started.
func (n *Node) Starts() int { return int(n.starts.Load()) }

// Start starts the node, with more failpoints if any are given, and does not wait until it is ready.
func (n *Node) Start(points ...string) error {
	l := n.lab
	args := []string{"serve", "--data-dir", n.Dir, "--http-addr", fmt.Sprintf("%s:%d", l.Listen(n.ID), l.port), "--insecure", "--access-log", "off"}
	if ids := l.IDs(); len(ids) > 1 {
		var members []string
		for _, id := range ids {
			members = append(members, l.Address(id))
		}
		args = append(args, "--mode", "cluster", "--advertise-addr", l.Peer(n.ID), "--members", strings.Join(members, ","), "--cluster-key-file", l.key())
	}
	log, err := os.OpenFile(n.LogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := l.Command(n.ID, l.cfg.Binary, args...)
	cmd.Env = slices.Concat(withoutOwn(os.Environ()), []string{"NACRE_TEST_CLOCK_OFFSET=" + n.ClockPath(), "NACRE_FAILPOINTS=" + strings.Join(append(points, l.cfg.Points), ",")})
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	n.starts.Add(1)
	done := make(chan struct{})
	n.cmd, n.done = cmd, done
	go func() { // ends with the process, which Close kills
		err := cmd.Wait()
		n.mu.Lock()
		n.err = err
		n.mu.Unlock()
		close(done)
	}()
	return nil
}

// withoutOwn returns an environment without what this program tells itself.
func withoutOwn(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, insideEnv+"=") })
}

// Signal sends a signal to the node's process.
func (n *Node) Signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		_ = n.cmd.Process.Signal(s)
	}
}

// PID is the number of the node's process.
func (n *Node) PID() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd.Process.Pid
}

// Kill ends the process at once and waits for its end.
func (n *Node) Kill() {
	n.Signal(syscall.SIGKILL)
	_, _ = n.Ended(context.Background())
}

// Ended waits until the process has ended and returns how; the second result is ctx's error when it did not.
func (n *Node) Ended(ctx context.Context) (how, late error) {
	n.mu.Lock()
	done := n.done
	n.mu.Unlock()
	if done == nil {
		return nil, nil
	}
	select {
	case <-done:
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.err, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Running reports whether the process runs.
func (n *Node) Running() bool {
	n.mu.Lock()
	done := n.done
	n.mu.Unlock()
	if done == nil {
		return false
	}
	select {
	case <-done:
		return false
	default:
		return true
	}
}

// ErrEnded says that a node ended by itself while it was waited for.
var ErrEnded = errors.New("the node ended")

var probe = &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// Ready asks the node once whether it is ready, and returns why not.
func (n *Node) Ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.lab.URL(n.ID)+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := probe.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, 500))
	return fmt.Errorf("%d %s", res.StatusCode, body)
}

// WaitReady waits until the node is ready, its process has ended (ErrEnded), or ctx ends.
func (n *Node) WaitReady(ctx context.Context) error {
	for {
		err := n.Ready(ctx)
		switch {
		case err == nil:
			return nil
		case !n.Running():
			return fmt.Errorf("node %d: %w: %s", n.ID, ErrEnded, n.Tail(3))
		case ctx.Err() != nil:
			return fmt.Errorf("node %d is not ready in time: %w", n.ID, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Tail returns the last lines that the node has written.
func (n *Node) Tail(lines int) string {
	b, _ := os.ReadFile(n.LogPath())
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// SetClock shifts the node's clock by d.
func (n *Node) SetClock(d time.Duration) error {
	return os.WriteFile(n.ClockPath(), []byte(d.String()), 0o644)
}

// Wipe empties the node's data folder. The node must not run.
func (n *Node) Wipe() error {
	files, err := os.ReadDir(n.Dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		err = errors.Join(err, os.RemoveAll(filepath.Join(n.Dir, f.Name())))
	}
	return err
}

// Save copies the node's data folder to a new folder beside it; Restore puts the copy in its place. The node must not run.
func (n *Node) Save() error {
	if err := os.RemoveAll(n.saved()); err != nil {
		return err
	}
	return os.CopyFS(n.saved(), os.DirFS(n.Dir))
}

func (n *Node) saved() string { return filepath.Join(n.home, "saved") }

// Restore puts what Save copied in the place of the data, or only the files with those names.
func (n *Node) Restore(names ...string) error {
	if len(names) == 0 {
		if err := n.Wipe(); err != nil {
			return err
		}
		return os.CopyFS(n.Dir, os.DirFS(n.saved()))
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(n.saved(), name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(n.Dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
