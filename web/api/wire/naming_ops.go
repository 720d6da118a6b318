package wire

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gofiber/fiber/v2"

	"nacre/server/clock"
	"nacre/server/fault"
	"nacre/server/naming"
	"nacre/server/resource"
)

// InstanceForm is what a request says of an instance.
type InstanceForm struct {
	Key       naming.Key
	Instance  naming.Instance
	Ephemeral bool
}

// serials tells snowflakes of one ms apart.
var serials atomic.Uint64

// Identify gives the instance the id that Nacos' v1 gives it.
func (d *Deps) Identify(f *InstanceForm) {
	f.Instance.IDForm = naming.IDSimple
	if generator, _ := f.Instance.Metadata.Get(idGeneratorKey); generator == "snowflake" {
		id := uint64(clock.Millis(d.Clock))<<22 | serials.Add(1)&(1<<22-1)
		cluster := f.Instance.Cluster
		if cluster == "" {
			cluster = resource.DefaultCluster
		}
		f.Instance.IDForm, f.Instance.ID = naming.IDGiven, strconv.FormatUint(id, 10)+"#"+cluster+"#"+f.Key.Grouped()
	}
}

// Register registers an instance.
func (d *Deps) Register(c *fiber.Ctx, p *Params, f *InstanceForm) error {
	by := d.NamingActor(c, p)
	var err error
	if f.Ephemeral {
		err = d.Naming.RegisterHTTP(by, f.Key, f.Instance)
	} else {
		err = d.Naming.RegisterPersistent(Context(c), by, f.Key, f.Instance)
	}
	return clusterRefusal(err, f.Instance.Cluster)
}

// clusterRefusal says a fault of a cluster's name as Nacos does; other errors are returned as they are.
func clusterRefusal(err error, cluster string) error {
	if fault.CodeOf(err) != naming.CodeCluster {
		return err
	}
	return Refuse(fiber.StatusBadRequest, InstanceError, "Instance 'clusterName' should be characters with only 0-9a-zA-Z-. (current: "+cluster+")")
}

// Deregister takes an instance away; that there is none is no failure.
func (d *Deps) Deregister(c *fiber.Ctx, p *Params, f *InstanceForm) error {
	by := d.NamingActor(c, p)
	if f.Ephemeral {
		d.Naming.DeregisterHTTP(by, f.Key, f.Instance.IP, f.Instance.Port)
		return nil
	}
	_, err := d.Naming.DeregisterPersistent(Context(c), by, f.Key, f.Instance.IP, f.Instance.Port)
	return err
}

// UpdateInstance lays all that a request says of an instance over whatever is registered of it.
func (d *Deps) UpdateInstance(c *fiber.Ctx, p *Params, f *InstanceForm) error {
	i := &f.Instance
	err := d.Naming.SetOverride(Context(c), d.NamingActor(c, p), f.Key, i.Of(), naming.Patch{
		Enabled: &i.Enabled, Weight: &i.Weight, Metadata: i.Metadata, ReplaceMetadata: true,
	})
	if fault.CodeOf(err) == naming.CodeServiceAbsent {
		k := f.Key
		return Refuse(fiber.StatusBadRequest, InstanceError, "service not found, namespace: "+k.Namespace+", service: Service{namespace='"+k.Namespace+
			"', group='"+k.Group+"', name='"+k.Name+"', ephemeral="+strconv.FormatBool(f.Ephemeral)+", revision=0}")
	}
	return clusterRefusal(err, i.Cluster)
}

// Found returns an instance as it is shown, disabled ones too, or the refusal that says what is not there.
func (d *Deps) Found(k naming.Key, id naming.InstanceID) (*naming.Instance, error) {
	if id.Cluster == "" {
		id.Cluster = resource.DefaultCluster
	}
	if i := d.Naming.Instance(k, id); i != nil {
		return i, nil
	}
	if len(d.Naming.Instances(k, "")) == 0 {
		return nil, Refuse(fiber.StatusNotFound, ResourceNotFound, "no ips found for cluster "+id.Cluster+" in service "+k.Grouped())
	}
	return nil, Refuse(fiber.StatusNotFound, ResourceNotFound, "no matched ip found!")
}

// PatchInstance lays what is set in patch over an instance that is there.
func (d *Deps) PatchInstance(c *fiber.Ctx, p *Params, k naming.Key, id naming.InstanceID, patch naming.Patch) error {
	if _, err := d.Found(k, id); err != nil {
		return err
	}
	return d.Naming.SetOverride(Context(c), d.NamingActor(c, p), k, id, patch)
}

// Heartbeat is what a request says of one: the parameters or, where it has it, the parameter beat.
type Heartbeat struct {
	Key         naming.Key
	IP, Cluster string
	Port        int
	// Full is the parameter beat, "" in a light heartbeat.
	Full string
}

// Beat notes a heartbeat. An unknown instance of a full one is registered of it.
func (d *Deps) Beat(c *fiber.Ctx, p *Params, h Heartbeat) (naming.Beaten, error) {
	if Blank(h.Full) {
		return d.Naming.Beat(naming.Actor{}, h.Key, naming.Instance{IP: h.IP, Port: h.Port}, false)
	}
	b, ok := Beat(h.Full)
	if !ok {
		return naming.Beaten{}, Refuse(fiber.StatusBadRequest, ParameterInvalid, "Param 'beat' is illegal, it should be the JSON of a heartbeat")
	}
	f := InstanceForm{Key: h.Key, Ephemeral: true, Instance: naming.Instance{
		IP: b.IP, Port: b.Port, Cluster: b.Cluster, Weight: b.Weight, Metadata: b.Metadata, Healthy: true, Enabled: true,
	}}
	if beaten, err := d.Naming.Beat(naming.Actor{}, h.Key, f.Instance, false); beaten.Known || err != nil {
		return beaten, err
	}
	if Blank(f.Instance.Cluster) {
		f.Instance.Cluster = h.Cluster
	}
	d.Identify(&f)
	beaten, err := d.Naming.Beat(d.NamingActor(c, p), h.Key, f.Instance, true)
	return beaten, clusterRefusal(err, f.Instance.Cluster)
}

// SendBeaten answers a heartbeat, without an envelope in all versions.
func (d *Deps) SendBeaten(c *fiber.Ctx, beaten naming.Beaten) error {
	if err := SendRaw(c, fiber.StatusOK, JSON, nil); err != nil {
		return err
	}
	r := &c.Context().Response
	b := appendInt(r.SwapBody(nil)[:0], `{"clientBeatInterval":`, beaten.IntervalMs)
	if beaten.Known {
		b = append(b, `,"code":10200,"lightBeatEnabled":`...)
	} else {
		b = append(b, `,"code":20404,"lightBeatEnabled":`...)
	}
	r.SwapBody(append(strconv.AppendBool(b, d.Naming.Switches().LightBeatEnabled), '}'))
	return nil
}

// defaultCacheMs is after how many ms clients ask again, unless a switch says otherwise.
const defaultCacheMs = 10_000

// SendView answers with the object that v1 and v2 tell of a service, v2 in the envelope.
func (d *Deps) SendView(c *fiber.Ctx, v *naming.View, enveloped bool) error {
	form := formV1
	if enveloped {
		form = formV2
	}
	cacheMs := d.Naming.Switches().DefaultPushCacheMs
	encode := func(v *naming.View) []byte {
		b := make([]byte, 0, 256+len(v.Hosts)*384)
		if !enveloped {
			return appendView(b, v, cacheMs)
		}
		return append(appendView(append(b, success...), v, cacheMs), '}')
	}
	if cacheMs != defaultCacheMs {
		return SendRaw(c, fiber.StatusOK, JSON, encode(v))
	}
	return SendRaw(c, fiber.StatusOK, JSON, v.Encoded(form, encode))
}

// success is an envelope up to its data.
const success = `{"code":0,"message":"success","data":`

// SendHosts answers with the instances of a view in the envelope.
func SendHosts(c *fiber.Ctx, v *naming.View) error {
	return SendRaw(c, fiber.StatusOK, JSON, v.Encoded(formV3, func(v *naming.View) []byte {
		return append(AppendInstances(append(make([]byte, 0, 64+len(v.Hosts)*384), success...), v.Key, v.Hosts), '}')
	}))
}

// Instances shows instances of a service in JSON.
type Instances struct {
	Key  naming.Key
	List []*naming.Instance
}

// MarshalJSON implements json.Marshaler.
func (i Instances) MarshalJSON() ([]byte, error) {
	return AppendInstances(make([]byte, 0, 2+len(i.List)*384), i.Key, i.List), nil
}

// maxBatch is how many instances one request may change the metadata of.
const maxBatch = 1000

// ChangeMetadata lays metadata over instances of a service, or takes its keys out of what lies over them: of those in the JSON
// list chosen that are there, or of all when it chooses none. It returns how Nacos names those that were changed.
func (d *Deps) ChangeMetadata(c *fiber.Ctx, p *Params, k naming.Key, chosen string, m naming.Metadata, drop bool) ([]string, error) {
	all := d.Naming.Instances(k, "")
	var list []struct {
		IP          string `json:"ip"`
		Port        int    `json:"port"`
		ClusterName string `json:"clusterName"`
	}
	if !Blank(chosen) && json.Unmarshal([]byte(chosen), &list) == nil && len(list) > 0 {
		if len(list) > maxBatch {
			return nil, tooManyAtOnce(len(list))
		}
		all = nil
		for _, one := range list {
			if i, err := d.Found(k, naming.InstanceID{IP: one.IP, Port: one.Port, Cluster: one.ClusterName}); err == nil {
				all = append(all, i)
			}
		}
	}
	if len(all) > maxBatch {
		return nil, tooManyAtOnce(len(all))
	}
	patch := naming.Patch{Metadata: m}
	if drop {
		patch.Metadata = nil
		for _, one := range m {
			patch.DropKeys = append(patch.DropKeys, one.Key)
		}
	}
	by := d.NamingActor(c, p)
	done := make([]string, 0, len(all))
	for _, i := range all {
		if err := d.Naming.SetOverride(Context(c), by, k, i.Of(), patch); err != nil {
			return nil, err
		}
		kind := "ephemeral"
		if !i.Ephemeral {
			kind = "persist"
		}
		done = append(done, i.IP+":"+strconv.Itoa(i.Port)+":unknown:"+i.Cluster+":"+kind)
	}
	return done, nil
}

func tooManyAtOnce(n int) error {
	return Refuse(fiber.StatusBadRequest, ParameterInvalid, fmt.Sprintf("the metadata of %d instances can't be changed at once, at most %d can", n, maxBatch))
}

// maxSwitch is the most bytes of the value of a switch.
const maxSwitch = 8192

// SetSwitch sets a switch, here alone or everywhere.
func (d *Deps) SetSwitch(c *fiber.Ctx, p *Params, here bool) error {
	entry, value := p.Text("entry"), p.Text("value")
	if len(value) > maxSwitch {
		return invalid(fmt.Sprintf("the value of the switch has %d bytes, at most %d are allowed", len(value), maxSwitch))
	}
	return d.Naming.SetSwitch(Context(c), d.NamingActor(c, p), entry, value, here)
}

// maxSelector is the most bytes of a selector.
const maxSelector = 8192

// Updated is the answer of a change of metadata of many instances.
type Updated struct {
	Updated []string `json:"updated"`
}

// SelectorOf reads the parameter selector: JSON, perhaps encoded once more.
func SelectorOf(text string) (naming.Selector, error) {
	if Blank(text) {
		return naming.Selector{}, nil
	}
	if decoded, err := url.QueryUnescape(text); err == nil {
		text = decoded
	}
	var s struct{ Type, Expression string }
	if len(text) > maxSelector || json.Unmarshal([]byte(text), &s) != nil || s.Type == "" {
		return naming.Selector{}, Refuse(fiber.StatusBadRequest, SelectorError, noSelector)
	}
	out := naming.Selector{Type: s.Type}
	if s.Type == naming.SelectorLabel {
		out.Expression = s.Expression
	}
	return out, nil
}

// hiddenPassword stands for the password of a health checker in answers. In a request it means the one that is held.
const hiddenPassword = "******"

// CheckerOf reads the parameter healthChecker of a cluster. What is not known means none, as in Nacos.
func (d *Deps) CheckerOf(k naming.Key, cluster, text string) (naming.Checker, error) {
	var x struct {
		Type, Path, Headers, User, Pwd, Cmd string
		ExpectedResponseCode                int
	}
	if err := json.Unmarshal([]byte(text), &x); err != nil {
		return naming.Checker{}, Refuse(fiber.StatusBadRequest, ParameterInvalid, "Param 'healthChecker' is illegal, it should be JSON with a type")
	}
	checker := naming.Checker{Type: strings.ToUpper(x.Type)}
	switch checker.Type {
	case naming.CheckHTTP:
		checker.Path, checker.Headers, checker.Expected = x.Path, x.Headers, x.ExpectedResponseCode
		if checker.Expected == 0 {
			checker.Expected = fiber.StatusOK
		}
	case naming.CheckMySQL:
		checker.User, checker.Password, checker.Command = x.User, x.Pwd, x.Cmd
		if x.Pwd == hiddenPassword {
			checker.Password = d.Naming.State().Cluster(k, cluster).Checker.Password
		}
	}
	return checker, nil
}

// Subscribe tells whom it concerns that the client of c wants to hear of changes over UDP, where it can.
func (d *Deps) Subscribe(c *fiber.Ctx, clientIP string, port int, k naming.Key, clusters string) {
	if port <= 0 || port > 65535 || d.Subscribed == nil {
		return
	}
	agent := c.Get(fiber.HeaderUserAgent)
	if agent == "" {
		agent = c.Get("Client-Version")
	}
	if !d.pushable(agent) {
		return
	}
	if checkIP(clientIP) != "" {
		return
	}
	d.Subscribed(Asker{Source: d.ClientIP(c), Claimed: clientIP, Port: port, Agent: kept(agent, maxAgent)}, k, clusters)
}

// agents are the libraries that understand a push over UDP, with the switch that says from which version on.
var agents = [...]struct{ name, minimum string }{
	{"Nacos-Java-Client", "pushVersion.java"}, {"Nacos-Go-Client", "pushVersion.go"}, {"Nacos-C-Client", "pushVersion.c"}, {"vip-client4cpp", "pushVersion.c"},
	{"Nacos-CSharp-Client", "pushVersion.csharp"}, {"Nacos-DNS", ""},
}

func (d *Deps) pushable(agent string) bool {
	if !d.Naming.Switches().PushEnabled {
		return false
	}
	for _, a := range agents {
		if !strings.HasPrefix(agent, a.name) {
			continue
		}
		_, version, _ := strings.Cut(agent, ":v")
		return a.minimum == "" || !older(version, d.Naming.Switches().Texts[a.minimum])
	}
	return false
}

// older reports whether version is below minimum, number by number.
func older(version, minimum string) bool {
	for minimum != "" {
		var v, m string
		v, version, _ = strings.Cut(version, ".")
		m, minimum, _ = strings.Cut(minimum, ".")
		if a, b := leadingNumber(v), leadingNumber(m); a != b {
			return a < b
		}
	}
	return false
}

func leadingNumber(s string) int {
	end := 0
	for end < len(s) && end < 9 && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(s[:end]) // 0 when there is none
	return n
}
