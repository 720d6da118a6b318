package crash

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"nacre/e2e/process"
)

// strace attaches strace to a server with the given injection, and returns when it traces.
func strace(t *testing.T, p *process.Process, inject string) {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("SKIPPED: strace is not installed, so nothing proves here that the fsync comes before the answer")
	}
	cmd := exec.Command(path, "-f", "-qq", "-o", "/dev/null", "-p", strconv.Itoa(p.PID()), "-e", "trace=fdatasync,fsync", "-e", "inject="+inject)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 500 {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID()) + "/status")
		if err == nil && !strings.Contains(string(status), "TracerPid:\t0\n") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Skip("SKIPPED: this machine does not let strace attach, so nothing proves here that the fsync comes before the answer")
}

func TestTheAnswerWaitsForTheFsync(t *testing.T) {
	p := start(t, t.TempDir())
	c := newClient()
	if err := publish(t.Context(), c, p.URL, "a", "before"); err != nil {
		t.Fatal(err)
	}
	const delay = 400 * time.Millisecond
	strace(t, p, "fdatasync,fsync:delay_enter="+strconv.Itoa(int(delay.Microseconds())))
	begin := time.Now()
	if err := publish(t.Context(), c, p.URL, "a", "slow"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < delay {
		t.Errorf("a publish was answered after %v, though each fsync takes %v: it was not durable", took, delay)
	}
}

func TestAFailedFsyncEndsTheProcessAndIsNeverAcknowledged(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	c := newClient()
	if err := publish(t.Context(), c, p.URL, "a", "kept"); err != nil {
		t.Fatal(err)
	}
	strace(t, p, "fdatasync,fsync:error=EIO")
	if err := publish(t.Context(), c, p.URL, "a", "never durable"); err == nil {
		t.Error("a publish was acknowledged though its fsync failed")
	}
	if err := p.Wait(t, 10*time.Second); err == nil {
		t.Error("the process ended as if all was well")
	}
	p = start(t, dir)
	got, err := read(c, p.URL, "a")
	if err != nil || got != "kept" && got != "never durable" {
		t.Errorf("after the restart: %q, %v", got, err)
	}
}
