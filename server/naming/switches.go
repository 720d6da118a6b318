package naming

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"nacre/server/fault"
	"nacre/server/naming/namingpb"
)

// Switches are the settings of the whole registry that may be changed while it runs. Immutable.
type Switches struct {
	// ClientBeatInterval is after how many ms clients send the next heartbeat.
	ClientBeatInterval int64
	LightBeatEnabled   bool
	// PushEnabled lets subscribers be told; without, it is kept what they are to be told.
	PushEnabled bool
	// HealthCheckEnabled lets persistent instances be probed, CheckTimes is after how many equal results health changes.
	HealthCheckEnabled bool
	CheckTimes         int64
	// DefaultPushCacheMs and DefaultCacheMs are after how many ms clients ask again that are told, and that are not.
	DefaultPushCacheMs, DefaultCacheMs int64
	DefaultInstanceEphemeral           bool
	// OverriddenServerStatus is the state that the server is to show, "" for its own.
	OverriddenServerStatus string
	// Limited are the beginnings of URLs that are answered with a status and nothing else, the longest first.
	Limited []Limited
	// Texts are all entries with their values, the default ones included, as they are set.
	Texts map[string]string
}

// Limited is the beginning of URLs that are closed, and the HTTP status that they answer with.
type Limited struct {
	URL    string
	Status int
}

// switchKinds are the entries that there are, with the default and what a value must be.
var switchKinds = map[string]struct {
	def   string
	check func(value string) error
}{
	"clientBeatInterval": {"5000", whole(1)}, "pushCacheMillis": {"10000", whole(10_000)}, "defaultCacheMillis": {"3000", whole(1_000)},
	"healthCheckTimes": {"3", whole(1)}, "distroServerExpiredMillis": {"10000", whole(0)},
	"serviceStatusSynchronizationPeriodMillis": {"5000", whole(5_000)}, "serverStatusSynchronizationPeriodMillis": {"2000", whole(1_000)},
	"distroThreshold": {"0.7", fraction}, "distro": {"true", word}, "check": {"true", word}, "pushEnabled": {"true", word},
	"disableAddIP": {"false", word}, "sendBeatOnly": {"false", word}, "lightBeatEnabled": {"true", word},
	"autoChangeHealthCheckEnabled": {"true", word}, "defaultInstanceEphemeral": {"true", word},
	"masters": {"", text}, "limitedUrlMap": {"", limits}, "overriddenServerStatus": {"", text}, "healthCheckWhiteList": {"", text},
	"httpHealthParams": {`{"max":5000,"min":500,"factor":0.85}`, object}, "tcpHealthParams": {`{"max":5000,"min":1000,"factor":0.75}`, object},
	"mysqlHealthParams": {`{"max":3000,"min":2000,"factor":0.65}`, object},
	"pushVersion.java":  {"0.1.0", text}, "pushVersion.go": {"0.1.0", text}, "pushVersion.python": {"0.4.3", text},
	"pushVersion.c": {"1.0.12", text}, "pushVersion.csharp": {"0.9.0", text},
}

func badSwitch(format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).WithCode(CodeSwitch)
}

func whole(least int64) func(string) error {
	return func(v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		switch {
		case err != nil:
			return badSwitch("For input string: %q", v)
		case n < least:
			return badSwitch("min cache time for http or tcp is too small(<%d)", least)
		}
		return nil
	}
}

func fraction(v string) error {
	if f, err := strconv.ParseFloat(v, 64); err != nil || !(f > 0) {
		return badSwitch("distroThreshold can not be zero or negative: %s", v)
	}
	return nil
}

func object(v string) error {
	var x struct {
		Max, Min int64
		Factor   float64
	}
	if err := json.Unmarshal([]byte(v), &x); err != nil || x.Min <= 0 || x.Max < x.Min || x.Factor < 0 || x.Factor > 1 {
		return badSwitch("invalid value, it must be like {\"max\":5000,\"min\":500,\"factor\":0.85}: %.200s", v)
	}
	return nil
}

func limits(v string) error {
	if err := text(v); err != nil {
		return err
	}
	_, err := limitsOf(v)
	return err
}

// limitsOf reads url:status,url:status.
func limitsOf(v string) (list []Limited, err error) {
	for one := range strings.SplitSeq(v, ",") {
		one = strings.TrimSpace(one)
		i := strings.LastIndexByte(one, ':')
		switch {
		case one == "":
			continue
		case i < 0:
			return nil, badSwitch("invalid input for limited urls: %.200s", one)
		case i == 0:
			return nil, badSwitch("url can not be empty, url: %.200s", one)
		}
		status, err := strconv.Atoi(one[i+1:])
		if err != nil {
			return nil, badSwitch("For input string: %q", one[i+1:])
		}
		if status < 200 || status > 599 { // others are no answers
			return nil, badSwitch("illegal normal status code: %d", status)
		}
		list = append(list, Limited{one[:i], status})
	}
	slices.SortStableFunc(list, func(a, b Limited) int { return len(b.URL) - len(a.URL) })
	return list, nil
}

// word takes any value, of which all but true mean false, as Nacos does.
func word(string) error { return nil }

func text(v string) error {
	if len(v) > 8192 {
		return badSwitch("the value has %d bytes, at most 8192 are allowed", len(v))
	}
	return nil
}

type switches struct {
	now atomic.Pointer[Switches]

	mu      sync.Mutex
	cluster map[string]string // of the whole cluster
	here    map[string]string // of this node alone
}

func (x *switches) get() *Switches { return x.now.Load() }

// set takes the values of the whole cluster.
func (x *switches) set(values map[string]string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cluster = values
	x.make()
}

// setHere takes a value for this node alone, until it restarts.
func (x *switches) setHere(entry, value string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.here = maps.Clone(x.here)
	if x.here == nil {
		x.here = make(map[string]string)
	}
	x.here[entry] = value
	x.make()
}

func (x *switches) make() {
	texts := make(map[string]string, len(switchKinds))
	for entry, k := range switchKinds {
		texts[entry] = k.def
	}
	maps.Copy(texts, x.cluster)
	maps.Copy(texts, x.here)
	number := func(entry string) int64 {
		n, err := strconv.ParseInt(texts[entry], 10, 64)
		if err != nil {
			n, _ = strconv.ParseInt(switchKinds[entry].def, 10, 64)
		}
		return n
	}
	on := func(entry string) bool { return strings.EqualFold(texts[entry], "true") }
	limited, _ := limitsOf(texts["limitedUrlMap"]) // what could not be read was never set, or closes nothing
	x.now.Store(&Switches{
		Limited:            limited,
		ClientBeatInterval: number("clientBeatInterval"), LightBeatEnabled: on("lightBeatEnabled"), PushEnabled: on("pushEnabled"),
		HealthCheckEnabled: on("check"), CheckTimes: number("healthCheckTimes"), DefaultPushCacheMs: number("pushCacheMillis"),
		DefaultCacheMs: number("defaultCacheMillis"), DefaultInstanceEphemeral: on("defaultInstanceEphemeral"),
		OverriddenServerStatus: texts["overriddenServerStatus"], Texts: texts,
	})
}

// Switches returns the switches as they are now.
func (r *Registry) Switches() *Switches { return r.switches.get() }

// SetSwitch sets a switch, here alone until the restart, or everywhere. Of an entry that there is not it does nothing, as
// Nacos. Faults: Invalid (CodeSwitch), Unavailable.
func (r *Registry) SetSwitch(ctx context.Context, by Actor, entry, value string, hereOnly bool) error {
	if entry == "pushVersion" {
		language, version, ok := strings.Cut(value, ":")
		if !ok || switchKinds["pushVersion."+language].check == nil {
			return badSwitch("illegal type, must match [java|python|c|go|csharp]:x.y.z: %.100s", value)
		}
		entry, value = "pushVersion."+language, version
	}
	kind, known := switchKinds[entry]
	if !known {
		return nil
	}
	if entry == "overriddenServerStatus" && value == "null" {
		value = ""
	}
	if value != "" || kind.def != "" {
		if err := kind.check(value); err != nil {
			return err
		}
	}
	if hereOnly {
		r.switches.setHere(entry, value)
		r.nudge()
		return nil
	}
	_, err := r.submit(ctx, KindSwitch, &namingpb.Switch{Entry: entry, Value: value, Actor: by.pb(), AtMs: r.wall()})
	return err
}
