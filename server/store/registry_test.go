package store

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nacre/server/clock"
	"nacre/server/journal"
	"nacre/server/naming"
)

// deciding is a journal that decides at once and writes what changed into an image.
type deciding struct {
	t     *testing.T
	state *naming.State
	image *Image
	index uint64
}

func (d *deciding) Submit(_ context.Context, cmd journal.Command) (journal.Result, error) {
	out, changes, err := d.state.Decide(cmd)
	if err != nil {
		return journal.Result{}, err
	}
	d.index++
	return journal.Result{Index: d.index, Outcome: out}, d.image.Write(d.index, changes)
}

// registryIn returns what an image keeps of the registry.
func registryIn(t *testing.T, i *Image) *naming.State {
	t.Helper()
	s := naming.NewState()
	if _, err := i.Load(soon(t), Visitor{Registry: s.Load}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatTheRegistryKeepsIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	i := openImage(t, Config{Path: dir + "/nacre.db"})
	r, state := naming.New(naming.Config{Clock: clock.NewFixed(time.UnixMilli(1_700_000_000_000))})
	j := &deciding{t: t, state: state, image: i}
	r.Use(j)
	ctx, by := t.Context(), naming.Actor{User: "alice", IP: "10.0.0.1"}
	k := naming.Key{Namespace: "public", Group: "g", Name: "shop"}
	disabled, weight := false, 2.5
	id := naming.InstanceID{IP: "10.0.0.7", Port: 80, Cluster: "DEFAULT"}
	do := func(errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	do(
		r.CreateService(ctx, by, naming.Service{Key: k, ProtectThreshold: .5, Metadata: naming.MetadataOf(map[string]string{"a": "世界", "b": "<&>"}), Selector: naming.Selector{Type: naming.SelectorLabel, Expression: "CONSUMER.label.A = PROVIDER.label.A"}}),
		r.SetCluster(ctx, by, naming.Cluster{Key: k, Name: "DEFAULT", CheckPort: 81, Checker: naming.Checker{Type: naming.CheckHTTP, Path: "/h", Headers: "a:b", Expected: 204}}),
		r.RegisterPersistent(ctx, by, k, naming.Instance{IP: "10.0.0.7", Port: 80, Weight: 1, Enabled: true, Healthy: true, Metadata: naming.MetadataOf(map[string]string{"zone": "z1"})}),
		r.RegisterPersistent(ctx, by, k, naming.Instance{IP: "::1", Port: 0, Cluster: "c2", Weight: 10_000, Enabled: true}),
		r.SetOverride(ctx, by, k, id, naming.Patch{Enabled: &disabled, Weight: &weight}),
		r.SetSwitch(ctx, by, "pushEnabled", "false", false),
	)
	compare := func(step string, rows int) {
		t.Helper()
		if err := i.WaitFor(soon(t), j.index); err != nil {
			t.Fatal(err)
		}
		want, got := state.Rows(), registryIn(t, i).Rows()
		if d := cmp.Diff(want, got); d != "" || len(got) != rows {
			t.Errorf("%s: %d rows, want %d; %s", step, len(got), rows, d)
		}
	}
	compare("all of it", 6)
	if err := i.VerifyHistory(soon(t)); err != nil {
		t.Error(err)
	}
	do(r.ClearOverride(ctx, by, k, id), r.UpdateService(ctx, by, naming.Service{Key: k, ProtectThreshold: 1}), r.SetSwitch(ctx, by, "pushEnabled", "true", false))
	if _, err := r.DeregisterPersistent(ctx, by, k, "::1", 0); err != nil {
		t.Fatal(err)
	}
	left := state.Rows()
	compare("after some went", len(left))
	if slices.ContainsFunc(left, func(c journal.Change) bool { _, is := c.(naming.OverrideChange); return is }) {
		t.Error("the override is still there")
	}
}
