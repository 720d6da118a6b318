package nemesis

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nacre/e2e/torture/history"
	"nacre/e2e/torture/lab"
)

// log and image are the files in a node's data folder.
const (
	logFile   = "raft.db"
	imageFile = "nacre.db"
)

// trace attaches strace to a node with an injection, and returns what detaches it.
func trace(node *lab.Node, inject string) (detach func(), err error) {
	pid := strconv.Itoa(node.PID())
	cmd := exec.Command("strace", "-f", "-qq", "-o", "/dev/null", "-p", pid, "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:"+inject)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	detach = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	for range 500 {
		status, err := os.ReadFile("/proc/" + pid + "/status")
		if err != nil || !strings.Contains(string(status), "TracerPid:\t0\n") {
			return detach, nil
		}
		sleep(10 * time.Millisecond)
	}
	detach()
	return nil, errors.New("strace can't attach to the node")
}

// fsyncError lets fsync fail; a node must not go on then.
func (n *Nemesis) fsyncError(f *history.Fault) error {
	node := n.pick(f)
	if _, err := exec.LookPath("strace"); err != nil {
		f.Text = "by a failpoint, as strace is not installed"
		node.Kill()
		if err := node.Start(fmt.Sprintf("replica/before-log-write=error@%d", 50+n.Rnd.IntN(150))); err != nil {
			return err
		}
	} else {
		f.Text = "EIO"
		detach, err := trace(node, fmt.Sprintf("error=EIO:when=%d+", 1+n.Rnd.IntN(50)))
		if err != nil {
			return err
		}
		defer detach()
	}
	if err := ended(node, 20*time.Second); err != nil {
		return fmt.Errorf("node %d after a failed fsync: %w", node.ID, err)
	}
	return node.Start()
}

// fsyncSlow makes a majority of the disks slow.
func (n *Nemesis) fsyncSlow(f *history.Fault) error {
	delay := time.Duration(100+n.Rnd.IntN(200)) * time.Millisecond
	ids := n.Lab.IDs()
	n.Rnd.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	f.Nodes, f.Text = ids[:len(ids)/2+1], fmt.Sprintf("%v each", delay)
	for _, id := range f.Nodes {
		detach, err := trace(n.Lab.Node(id), fmt.Sprintf("delay_enter=%d", delay.Microseconds()))
		if err != nil {
			return err
		}
		defer detach()
	}
	sleep(time.Second) // threads that were in a call are traced from their next one on
	f.CutFrom, f.Delay = n.Rec.Now(), int64(delay)
	sleep(n.seconds(3, 5))
	f.CutUntil = n.Rec.Now()
	return nil
}

// diskFull fills the file system of a node's data.
func (n *Nemesis) diskFull(f *history.Fault) error {
	node := n.pick(f)
	d := n.seconds(2, 5)
	f.Text = fmt.Sprintf("for %.1f s", d.Seconds())
	name := filepath.Join(node.Dir, "filler")
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			return err
		}
	}
	sleep(d)
	if err := os.Remove(name); err != nil {
		return err
	}
	if !node.Running() {
		return errors.Join(fmt.Errorf("node %d ended because its disk was full: %s", node.ID, node.Tail(1)), node.Start())
	}
	return nil
}

// tornTail takes the last bytes of the database's log away, as when a machine stops in a write. What they held is in raft.db.
func (n *Nemesis) tornTail(f *history.Fault) error {
	node := n.pick(f)
	node.Kill()
	if err := node.Save(); err != nil {
		return err
	}
	name := filepath.Join(node.Dir, imageFile+"-wal")
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	by := min(int64(1+n.Rnd.IntN(20_000)), info.Size())
	f.Text = fmt.Sprintf("%d bytes of %s-wal", by, imageFile)
	if err := os.Truncate(name, info.Size()-by); err != nil {
		return err
	}
	return n.startOrRefuse(f, node)
}

// bitFlip changes one bit of the log.
func (n *Nemesis) bitFlip(f *history.Fault) error {
	node := n.pick(f)
	node.Kill()
	if err := node.Save(); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(node.Dir, logFile), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	// Most of the file is room that is not used yet: a bit that is there is looked for.
	b := make([]byte, 1)
	for {
		at := n.Rnd.Int64N(info.Size())
		if _, err := file.ReadAt(b, at); err != nil {
			return err
		}
		if b[0] == 0 && n.Rnd.IntN(200) > 0 {
			continue
		}
		b[0] ^= 1 << n.Rnd.IntN(8)
		if _, err := file.WriteAt(b, at); err != nil {
			return err
		}
		f.Text = fmt.Sprintf("byte %d of %s", at, logFile)
		return n.startOrRefuse(f, node)
	}
}

// oldCopy puts back files as they were some seconds ago: of a node alone the log, of one of many all of its data.
func (n *Nemesis) oldCopy(f *history.Fault) error {
	node := n.pick(f)
	node.Kill()
	if err := node.Save(); err != nil {
		return err
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
	sleep(n.seconds(2, 4))
	node.Kill()
	if len(n.Lab.IDs()) > 1 {
		f.Text = "all files"
		if err := node.Restore(); err != nil {
			return err
		}
		return n.startOrRefuse(f, node)
	}
	f.Text = logFile
	newer := node.Dir + ".newer"
	if err := os.RemoveAll(newer); err != nil {
		return err
	}
	if err := os.CopyFS(newer, os.DirFS(node.Dir)); err != nil {
		return err
	}
	if err := node.Restore(logFile); err != nil {
		return err
	}
	if refused, err := n.refuses(node); err != nil || !refused {
		return errors.Join(err, fmt.Errorf("node %d started with an older %s than its %s", node.ID, logFile, imageFile))
	}
	f.Text += ", refused"
	if err := node.Wipe(); err != nil {
		return err
	}
	if err := os.CopyFS(node.Dir, os.DirFS(newer)); err != nil {
		return err
	}
	return node.Start()
}

// refuses starts a node and reports whether it refused its data with a sentence that says so.
func (n *Nemesis) refuses(node *lab.Node) (bool, error) {
	if err := node.Start(); err != nil {
		return false, err
	}
	ctx, cancel := within(recovery)
	defer cancel()
	err := node.WaitReady(ctx)
	switch {
	case err == nil:
		return false, nil
	case !errors.Is(err, lab.ErrEnded):
		return false, err
	}
	if text := node.Tail(5); !strings.Contains(text, "is damaged") && !strings.Contains(text, "don't belong together") {
		return false, fmt.Errorf("node %d ended without saying what is wrong with its data: %s", node.ID, text)
	}
	return true, nil
}

// startOrRefuse starts a node whose data is not as it was. It may recover; if it refuses, it joins anew with an empty folder, or, alone,
// gets its data back.
func (n *Nemesis) startOrRefuse(f *history.Fault, node *lab.Node) error {
	refused, err := n.refuses(node)
	if err != nil || !refused {
		if err == nil {
			f.Text += ", recovered"
		}
		return err
	}
	f.Text += ", refused"
	if len(n.Lab.IDs()) > 1 {
		err = node.Wipe()
	} else {
		err = node.Restore()
	}
	return errors.Join(err, node.Start())
}
