package nacre

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"nacre/server/fault"
	"nacre/server/naming"
)

// overrideBody is what an operator laid over an instance, whoever registers it.
type overrideBody struct {
	Enabled  *bool             `json:"enabled" doc:"null where it does not count"`
	Weight   *float64          `json:"weight" doc:"null where it does not count"`
	Metadata map[string]string `json:"metadata" doc:"laid over what is registered"`
	Drain    *drainBody        `json:"drain" doc:"null where it is not drained"`
	User     string            `json:"user" doc:"who changed it last"`
	From     string            `json:"from" doc:"from which address"`
	AtMs     int64             `json:"atMs"`
}

// drainBody is how far an instance is taken out of service.
type drainBody struct {
	State     string `json:"state" enum:"sinking,waiting,offline" doc:"sinking: its weight goes down; waiting: it is 0, and what it still does may end; offline: no application sees it"`
	FromMs    int64  `json:"fromMs"`
	UntilMs   int64  `json:"untilMs" doc:"when its weight is 0"`
	OfflineMs int64  `json:"offlineMs" doc:"when it is offline"`
}

func (a *api) overrideOf(o *naming.Override) overrideBody {
	b := overrideBody{Enabled: o.Enabled, Weight: o.Weight, Metadata: o.Metadata.Map(), User: o.User, From: o.IP, AtMs: o.AtMs}
	if d := o.Drain; d != (naming.Drain{}) {
		b.Drain = &drainBody{State: "sinking", FromMs: d.FromMs, UntilMs: d.UntilMs, OfflineMs: d.OfflineMs}
		switch now := a.Clock.Now().UnixMilli(); {
		case now >= d.OfflineMs:
			b.Drain.State = "offline"
		case now >= d.UntilMs:
			b.Drain.State = "waiting"
		}
	}
	return b
}

// overrideRow is an override with the instance that it lies over.
type overrideRow struct {
	IP      string `json:"ip"`
	Port    int    `json:"port"`
	Cluster string `json:"cluster"`
	overrideBody
	Shown *instanceBody `json:"shown" doc:"the instance as applications see it now, null when it is not there"`
}

func (a *api) overrideRowOf(k naming.Key, o *naming.Override) overrideRow {
	row := overrideRow{IP: o.Of.IP, Port: o.Of.Port, Cluster: o.Of.Cluster, overrideBody: a.overrideOf(o)}
	if i := a.Naming.Instance(k, o.Of); i != nil {
		shown := a.instanceOf(i, nil)
		row.Shown = &shown
	}
	return row
}

type overridesIn struct{ serviceIn }

type overrideList struct {
	Overrides []overrideRow `json:"overrides" doc:"by address, port and cluster"`
}

func (a *api) overrides(_ *fiber.Ctx, in *overridesIn) (*overrideList, error) {
	k := in.serviceKey()
	out := &overrideList{Overrides: []overrideRow{}}
	for _, o := range a.Naming.State().Overrides(k) {
		out.Overrides = append(out.Overrides, a.overrideRowOf(k, o))
	}
	return out, nil
}

type setOverrideIn struct {
	instanceIn
	operatorIn
	Body setOverrideBody `body:"true"`
}

type setOverrideBody struct {
	Enabled         *bool             `json:"enabled" optional:"true" doc:"false takes the instance offline; null leaves this as it is"`
	Weight          *float64          `json:"weight" optional:"true" doc:"0 to 10000; null leaves this as it is"`
	Metadata        map[string]string `json:"metadata" optional:"true" doc:"put to the metadata that lies over the instance"`
	ReplaceMetadata bool              `json:"replaceMetadata" optional:"true" doc:"metadata is all that is to lie over the instance"`
	DropKeys        []string          `json:"dropKeys" optional:"true" doc:"keys that are no longer to lie over the instance"`
}

func (a *api) setOverride(c *fiber.Ctx, in *setOverrideIn) (*overrideRow, error) {
	k, id, b := in.serviceKey(), in.instanceID(), &in.Body
	err := a.Naming.SetOverride(c.UserContext(), a.namingActor(c, in.Operator), k, id, naming.Patch{
		Enabled: b.Enabled, Weight: b.Weight, Metadata: naming.MetadataOf(b.Metadata), ReplaceMetadata: b.ReplaceMetadata, DropKeys: b.DropKeys,
	})
	if err != nil {
		return nil, err
	}
	return a.laid(k, id), nil
}

// laid is what lies over an instance after a change.
func (a *api) laid(k naming.Key, id naming.InstanceID) *overrideRow {
	o := a.Naming.State().Override(k, id)
	if o == nil { // nothing is left, or somebody took it away meanwhile
		o = &naming.Override{Key: k, Of: id}
	}
	row := a.overrideRowOf(k, o)
	return &row
}

func (a *api) namingActor(c *fiber.Ctx, operator string) naming.Actor {
	by := a.actor(c, operator)
	return naming.Actor{User: by.User, IP: by.IP}
}

type clearOverrideIn struct {
	instanceIn
	operatorIn
}

func (a *api) clearOverride(c *fiber.Ctx, in *clearOverrideIn) (*existedAnswer, error) {
	k, id := in.serviceKey(), in.instanceID()
	if a.Naming.State().Override(k, id) == nil {
		return &existedAnswer{}, nil
	}
	return &existedAnswer{Existed: true}, a.Naming.ClearOverride(c.UserContext(), a.namingActor(c, in.Operator), k, id)
}

type drainIn struct {
	instanceIn
	Over string `query:"over" default:"60s" doc:"how long the weight takes to sink to 0, in steps; up to 168h" example:"60s"`
	Wait string `query:"wait" default:"10s" doc:"how long after that the instance goes offline; up to 168h" example:"10s"`
	operatorIn
}

// drain takes an instance that is there out of service.
func (a *api) drain(c *fiber.Ctx, in *drainIn) (*overrideRow, error) {
	k, id := in.serviceKey(), in.instanceID()
	over, err := durationOf("over", in.Over)
	if err != nil {
		return nil, err
	}
	wait, err := durationOf("wait", in.Wait)
	if err != nil {
		return nil, err
	}
	if a.Naming.Instance(k, id) == nil {
		return nil, noInstance(k, id)
	}
	if err := a.Naming.Drain(c.UserContext(), a.namingActor(c, in.Operator), k, id, over, wait); err != nil {
		return nil, err
	}
	return a.laid(k, id), nil
}

func durationOf(name, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fault.Wrap(fault.Invalid, err, "parameter %q is %q, it must be a duration such as 90s or 5m", name, text)
	}
	return d, nil
}

type drainStateIn struct{ instanceIn }

func (a *api) drainState(_ *fiber.Ctx, in *drainStateIn) (*overrideRow, error) {
	k, id := in.serviceKey(), in.instanceID()
	o := a.Naming.State().Override(k, id)
	if o == nil || o.Drain == (naming.Drain{}) {
		return nil, fault.New(fault.NotFound, "the instance %s of %s is not drained", id, k)
	}
	row := a.overrideRowOf(k, o)
	return &row, nil
}

type stopDrainIn struct {
	instanceIn
	operatorIn
}

func (a *api) stopDrain(c *fiber.Ctx, in *stopDrainIn) (*existedAnswer, error) {
	k, id := in.serviceKey(), in.instanceID()
	if o := a.Naming.State().Override(k, id); o == nil || o.Drain == (naming.Drain{}) {
		return &existedAnswer{}, nil
	}
	return &existedAnswer{Existed: true}, a.Naming.StopDrain(c.UserContext(), a.namingActor(c, in.Operator), k, id)
}
