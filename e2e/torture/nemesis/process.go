package nemesis

import (
	"fmt"
	"syscall"
	"time"

	"nacre/e2e/torture/history"
)

func (n *Nemesis) kill(f *history.Fault) error {
	node := n.pick(f)
	away := n.seconds(0, 3)
	f.Text = fmt.Sprintf("away for %.1f s", away.Seconds())
	node.Kill()
	sleep(away)
	return node.Start()
}

func (n *Nemesis) killAll(f *history.Fault) error {
	f.Nodes, f.Text = n.Lab.IDs(), "at once"
	for _, id := range f.Nodes {
		n.Lab.Node(id).Signal(syscall.SIGKILL)
	}
	for _, id := range f.Nodes {
		n.Lab.Node(id).Kill()
	}
	for _, id := range f.Nodes {
		if err := n.Lab.Node(id).Start(); err != nil {
			return err
		}
	}
	return nil
}

func (n *Nemesis) pause(f *history.Fault) error {
	node := n.pick(f)
	d := n.seconds(1, 8)
	f.Text = fmt.Sprintf("for %.1f s", d.Seconds())
	node.Signal(syscall.SIGSTOP)
	sleep(d)
	node.Signal(syscall.SIGCONT)
	return nil
}

func (n *Nemesis) clock(f *history.Fault) error {
	node := n.pick(f)
	jump := time.Hour
	if n.Rnd.IntN(2) == 0 {
		jump = -jump
	}
	f.Text = fmt.Sprintf("by %v", jump)
	if err := node.SetClock(jump); err != nil {
		return err
	}
	sleep(n.seconds(3, 5))
	return node.SetClock(0)
}

// exit lets the process end at a failpoint, under load.
func (n *Nemesis) exit(f *history.Fault) error {
	node := n.pick(f)
	point := []string{"replica/before-log-write", "replica/after-log-write", "replica/before-image-write"}[n.Rnd.IntN(3)]
	at := 50 + n.Rnd.IntN(150)
	f.Text = fmt.Sprintf("%s, the %dth time", point, at)
	node.Kill()
	if err := node.Start(fmt.Sprintf("%s=exit@%d", point, at)); err != nil {
		return err
	}
	if err := ended(node, 20*time.Second); err != nil {
		return err
	}
	return node.Start()
}

// restart stops and starts each node in order, one after the other.
func (n *Nemesis) restart(f *history.Fault) error {
	f.Nodes, f.Text = n.Lab.IDs(), "in turn"
	for _, id := range f.Nodes {
		node := n.Lab.Node(id)
		node.Signal(syscall.SIGTERM)
		if err := ended(node, 15*time.Second); err != nil {
			return fmt.Errorf("node %d after SIGTERM: %w", id, err)
		}
		if err := node.Start(); err != nil {
			return err
		}
		ctx, cancel := within(recovery)
		err := node.WaitReady(ctx)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}
