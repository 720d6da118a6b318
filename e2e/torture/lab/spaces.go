// Package lab has the nodes under test and the network between them.
//
// Each node has a network namespace of its own with two lines: one to its peers, which faults cut, and one to
// the harness, which nothing cuts, so that every node can be observed at any time. The harness itself runs in
// a namespace of its own: nothing is left on the machine when it ends, however it ends.
package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
)

// insideEnv says that this process runs in namespaces of its own.
const insideEnv = "NACRE_TORTURE_INSIDE"

// holdArg is the argument of the process that holds a node's namespace while its node is down.
const holdArg = "hold-namespace"

// Enter runs this program again in namespaces of its own and returns its exit code. In the inner program, and where
// namespaces can't be made, it returns inner true and says in why what is missing.
func Enter() (code int, inner bool, why string) {
	if len(os.Args) > 1 && os.Args[1] == holdArg {
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the harness ends
		return 0, false, ""
	}
	switch os.Getenv(insideEnv) {
	case "spaces":
		return 0, true, ""
	case "none":
		return 0, true, "it was asked for"
	}
	for _, program := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			return 0, true, program + " is not installed"
		}
	}
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideEnv+"=spaces")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attr
	signal.Ignore(os.Interrupt) // the inner one stops in order
	if err := cmd.Start(); err != nil {
		signal.Reset(os.Interrupt)
		return 0, true, err.Error()
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1), false, ""
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1, false, ""
	}
	return 0, false, ""
}

// run runs a program and returns its output as part of the error.
func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
	}
	return nil
}

// ip runs ip of iproute2.
func ip(args ...string) error { return run("ip", args...) }

// Network is where nodes are. Nodes count from 1.
type Network struct {
	spaces bool
	port   int
	nodes  map[int]*place
}

// place is where one node is.
type place struct {
	holder *exec.Cmd
	hold   *os.File // closing it ends the holder
	host   byte     // last number of its address
}

// NewNetwork makes a network without nodes. Without spaces nodes get addresses of the loopback interface.
func NewNetwork(spaces bool, port int) (*Network, error) {
	n := &Network{spaces: spaces, port: port, nodes: map[int]*place{}}
	if !spaces {
		return n, nil
	}
	return n, errors.Join(
		ip("link", "set", "lo", "up"),
		ip("link", "add", "name", "peers", "type", "bridge"), ip("link", "set", "peers", "up"),
		ip("link", "add", "name", "control", "type", "bridge"), ip("link", "set", "control", "up"),
		ip("addr", "add", "10.78.0.254/24", "dev", "control"),
	)
}

// Spaces reports whether nodes have namespaces, so that their lines can be cut.
func (n *Network) Spaces() bool { return n.spaces }

// Add makes the place of a node.
func (n *Network) Add(node int) error {
	p := &place{host: byte(node)}
	n.nodes[node] = p
	if !n.spaces {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	p.hold = w
	p.holder = exec.Command("/proc/self/exe", holdArg)
	p.holder.Stdin = r
	p.holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := p.holder.Start(); err != nil {
		return err
	}
	pid, id := strconv.Itoa(p.holder.Process.Pid), strconv.Itoa(node)
	return errors.Join(
		ip("link", "add", "name", "p"+id, "type", "veth", "peer", "name", "peers", "netns", pid),
		ip("link", "add", "name", "c"+id, "type", "veth", "peer", "name", "control", "netns", pid),
		ip("link", "set", "p"+id, "master", "peers", "up"), ip("link", "set", "c"+id, "master", "control", "up"),
		n.inside(node, "link", "set", "lo", "up"), n.inside(node, "link", "set", "peers", "up"), n.inside(node, "link", "set", "control", "up"),
		n.inside(node, "addr", "add", n.Peer(node)+"/24", "dev", "peers"), n.inside(node, "addr", "add", "10.78.0."+id+"/24", "dev", "control"),
	)
}

// Close takes away what NewNetwork and Add made.
func (n *Network) Close() {
	if n.spaces {
		defer func() { _ = errors.Join(ip("link", "del", "peers"), ip("link", "del", "control")) }()
	}
	for id, p := range n.nodes {
		if p.holder != nil {
			// At once: what is in a namespace goes some time after it.
			_ = errors.Join(ip("link", "del", fmt.Sprint("p", id)), ip("link", "del", fmt.Sprint("c", id)))
			_ = p.hold.Close()
			_ = p.holder.Wait()
		}
	}
}

// inside runs ip in a node's namespace.
func (n *Network) inside(node int, args ...string) error {
	c := n.Command(node, "ip", args...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("node %d: ip %v: %w: %s", node, args, err, out)
	}
	return nil
}

// Command returns a command that runs where the node is; its process is the program's.
func (n *Network) Command(node int, name string, args ...string) *exec.Cmd {
	if !n.spaces {
		return exec.Command(name, args...)
	}
	space := fmt.Sprintf("--net=/proc/%d/ns/net", n.nodes[node].holder.Process.Pid)
	return exec.Command("nsenter", append([]string{space, "--", name}, args...)...)
}

// Peer is the address at which other nodes reach the node.
func (n *Network) Peer(node int) string {
	if !n.spaces {
		return fmt.Sprintf("127.0.0.%d", 10+n.nodes[node].host)
	}
	return fmt.Sprintf("10.77.0.%d", n.nodes[node].host)
}

// Control is the address at which the harness and the clients reach the node.
func (n *Network) Control(node int) string {
	if !n.spaces {
		return n.Peer(node)
	}
	return fmt.Sprintf("10.78.0.%d", node)
}

// Listen is the address that the node listens on.
func (n *Network) Listen(node int) string {
	if !n.spaces {
		return n.Peer(node)
	}
	return "0.0.0.0"
}

// Unplug cuts the node's line to all peers, as if its cable was drawn; Plug heals it.
func (n *Network) Unplug(node int) error { return ip("link", "set", fmt.Sprint("p", node), "down") }

// Plug heals what Unplug did.
func (n *Network) Plug(node int) error { return ip("link", "set", fmt.Sprint("p", node), "up") }

// nowhere is the address of a card that nobody has.
const nowhere = "02:00:00:00:00:99"

// Lose makes what from sends to the other get lost without a word.
func (n *Network) Lose(from, to int) error {
	return n.inside(from, "neigh", "replace", n.Peer(to), "lladdr", nowhere, "dev", "peers", "nud", "permanent")
}

// Find heals what Lose did.
func (n *Network) Find(from, to int) error {
	return n.inside(from, "neigh", "del", n.Peer(to), "dev", "peers")
}

// Refuse makes what from sends to the other fail at once.
func (n *Network) Refuse(from, to int) error {
	return n.inside(from, "route", "add", "blackhole", n.Peer(to)+"/32")
}

// Allow heals what Refuse did.
func (n *Network) Allow(from, to int) error {
	return n.inside(from, "route", "del", "blackhole", n.Peer(to)+"/32")
}

// Move gives the node another address among its peers.
func (n *Network) Move(node int) error {
	p := n.nodes[node]
	old := n.Peer(node)
	p.host += 20
	if !n.spaces {
		return nil
	}
	return errors.Join(n.inside(node, "addr", "del", old+"/24", "dev", "peers"), n.inside(node, "addr", "add", n.Peer(node)+"/24", "dev", "peers"))
}
