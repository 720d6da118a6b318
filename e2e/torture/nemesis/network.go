package nemesis

import (
	"errors"
	"fmt"
	"os/exec"
	"time"

	"nacre/e2e/torture/history"
)

// partition draws a node's cable.
func (n *Nemesis) partition(f *history.Fault) error {
	node := n.pick(f)
	d := n.seconds(4, 9)
	f.Text = fmt.Sprintf("for %.1f s", d.Seconds())
	if err := n.Lab.Unplug(node.ID); err != nil {
		return err
	}
	n.cut(f, node.ID)
	sleep(d)
	f.CutUntil = n.Rec.Now()
	return n.Lab.Plug(node.ID)
}

// blackhole makes all that a node sends to the others, and they to it, fail at once.
func (n *Nemesis) blackhole(f *history.Fault) error {
	node := n.pick(f)
	d := n.seconds(4, 9)
	f.Text = fmt.Sprintf("for %.1f s", d.Seconds())
	var err error
	for _, o := range n.others(node.ID) {
		err = errors.Join(err, n.Lab.Refuse(node.ID, o), n.Lab.Refuse(o, node.ID))
	}
	n.cut(f, node.ID)
	sleep(d)
	f.CutUntil = n.Rec.Now()
	for _, o := range n.others(node.ID) {
		err = errors.Join(err, n.Lab.Allow(node.ID, o), n.Lab.Allow(o, node.ID))
	}
	return err
}

// pair parts two nodes from each other; both still reach the third.
func (n *Nemesis) pair(f *history.Fault) error {
	a, b := n.two(f)
	d := n.seconds(3, 8)
	f.Text = fmt.Sprintf("for %.1f s", d.Seconds())
	err := errors.Join(n.Lab.Lose(a, b), n.Lab.Lose(b, a))
	sleep(d)
	return errors.Join(err, n.Lab.Find(a, b), n.Lab.Find(b, a))
}

// oneWay loses what one node sends to another.
func (n *Nemesis) oneWay(f *history.Fault) error {
	a, b := n.two(f)
	d := n.seconds(3, 8)
	f.Text = fmt.Sprintf("%d to %d for %.1f s", a, b, d.Seconds())
	err := n.Lab.Lose(a, b)
	sleep(d)
	return errors.Join(err, n.Lab.Find(a, b))
}

func (n *Nemesis) two(f *history.Fault) (a, b int) {
	a = n.pick(f).ID
	others := n.others(a)
	b = others[n.Rnd.IntN(len(others))]
	f.Nodes = append(f.Nodes, b)
	return a, b
}

// address lets a node come back with another address.
func (n *Nemesis) address(f *history.Fault) error {
	node := n.pick(f)
	old := n.Lab.Peer(node.ID)
	node.Kill()
	if err := n.Lab.Move(node.ID); err != nil {
		return err
	}
	f.Text = fmt.Sprintf("%s is %s now", old, n.Lab.Peer(node.ID))
	return node.Start()
}

// allAddresses lets all nodes come back at once, each with another address.
func (n *Nemesis) allAddresses(f *history.Fault) error {
	f.Nodes, f.Text = n.Lab.IDs(), "all moved"
	var err error
	for _, id := range f.Nodes {
		n.Lab.Node(id).Kill()
		err = errors.Join(err, n.Lab.Move(id))
	}
	for _, id := range f.Nodes {
		err = errors.Join(err, n.Lab.Node(id).Start())
	}
	return err
}

// wipe empties a node's data folder: it comes back as a new member.
func (n *Nemesis) wipe(f *history.Fault) error {
	node := n.pick(f)
	f.Text = "its folder was emptied"
	node.Kill()
	if err := node.Wipe(); err != nil {
		return err
	}
	return node.Start()
}

// replace takes a node out and puts another in its place.
func (n *Nemesis) replace(f *history.Fault) error {
	node := n.pick(f)
	ids := n.Lab.IDs()
	fresh := ids[len(ids)-1] + 1
	f.Nodes = append(f.Nodes, fresh)
	f.Text = fmt.Sprintf("node %d in the place of node %d", fresh, node.ID)
	node.Kill()
	n.Lab.Drop(node.ID)
	n.World.Know(n.Lab.IDs())
	if err := n.Lab.AddNode(fresh); err != nil {
		return err
	}
	if err := n.Lab.Node(fresh).Start(); err != nil {
		return err
	}
	n.World.Know(n.Lab.IDs())
	return n.takeOut(node.ID)
}

// takeOut asks another node to remove a member, as an operator does.
func (n *Nemesis) takeOut(id int) error {
	var err error
	for range 20 {
		for _, other := range n.others(id) {
			ctx, cancel := within(5 * time.Second)
			var out []byte
			cmd := exec.CommandContext(ctx, n.Lab.Binary(), "cluster", "remove", "--server", n.Lab.URL(other), n.Lab.Address(id))
			out, err = cmd.CombinedOutput()
			cancel()
			if err == nil {
				return nil
			}
			err = fmt.Errorf("removing node %d: %w: %s", id, err, out)
		}
		sleep(500 * time.Millisecond)
	}
	return err
}
