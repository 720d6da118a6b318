package replica

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nacre/server/fault"
	"nacre/server/journal"
)

func TestANodeStartsOnAnEmptyFolderAndKeepsWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	begin := time.Now()
	n := start(t, dir, nil)
	t.Logf("ready after %s", time.Since(begin))
	if err := n.Ready(); err != nil {
		t.Errorf("Ready: %v", err)
	}
	n.publish(t, 0, 100, 100)
	id := n.ID()
	stats := n.Stats()
	if stats.State != "leader" || stats.LastIndex < 100 || stats.AppliedIndex != stats.LastIndex || stats.Fsyncs < 200 {
		t.Errorf("stats are %+v", stats)
	}
	n.stop()
	if err := n.Ready(); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Ready after the end says %v", err)
	}
	n = start(t, dir, nil)
	equal(t, n.ledger.applied(), 0, 100)
	if n.ID() != id {
		t.Errorf("the node was %s and is %s", id, n.ID())
	}
}

func TestAGroupThatIsNotOfThisProtocolIsRefusedBeforeRun(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, filepath.Join(dir, "image.json"))
	n, err := New(testConfig(t, dir, l))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if _, err := n.Commit(context.Background(), []journal.Command{command(1, 8)}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Commit before Run says %v", err)
	}
	if err := n.Ready(); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Ready before Run says %v", err)
	}
}

func TestTwoNodesCantShareAFolder(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, nil)
	_, err := New(testConfig(t, dir, openLedger(t, filepath.Join(dir, "image.json"))))
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), dir) {
		t.Errorf("the second one got %v", err)
	}
}

func TestFilesOfANodeAreItsOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, nil)
	for _, name := range []string{nodeFile, logFile, lockFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}

func TestTheNodesIdentitySurvivesALostFileAndRefusesAForeignOne(t *testing.T) {
	dir := t.TempDir()
	n := start(t, dir, nil)
	id := n.ID()
	n.stop()
	path := filepath.Join(dir, nodeFile)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	n = start(t, dir, nil)
	if n.ID() != id {
		t.Errorf("the node was %s and is %s", id, n.ID())
	}
	n.stop()
	if err := writeNode(path, strings.Repeat("ab", 16)); err != nil {
		t.Fatal(err)
	}
	_, err := New(testConfig(t, dir, n.ledger))
	var state *StateError
	if !errors.As(err, &state) {
		t.Errorf("a foreign node file gives %v", err)
	}
	if err := os.WriteFile(path, []byte("nacre-node 1 abc 00000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = New(testConfig(t, dir, n.ledger))
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.File != path {
		t.Errorf("a damaged node file gives %v", err)
	}
}

func TestAFirstStartThatEndedBetweenTermAndFirstEntryIsFinishedByTheNext(t *testing.T) {
	dir := t.TempDir()
	n, err := New(testConfig(t, dir, openLedger(t, filepath.Join(dir, "image.json"))))
	if err != nil {
		t.Fatal(err)
	}
	// Raft notes the term before it writes the entry that names the members.
	if err := errors.Join(n.log.SetUint64(keyTerm, 1), n.Close()); err != nil {
		t.Fatal(err)
	}
	start(t, dir, nil).publish(t, 0, 3, 10)
}

func TestWaitReadyOfAReadyNodeSurvivesAContextThatHasEnded(t *testing.T) {
	n := start(t, t.TempDir(), nil)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for range 100 { // either end of the wait may be seen first
		if err := n.WaitReady(ended); err != nil {
			t.Fatal(err)
		}
	}
}
