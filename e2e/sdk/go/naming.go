package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

// registering is the argument that makes this program a client which registers an instance and waits for its end.
const registering = "register-and-wait"

// gone is how long after the end of a client its instances may be seen, told how long a subscriber may wait for a change.
const (
	gone = 2 * time.Second
	told = time.Second
)

// namings checks services and instances: a provides, b looks.
type namings struct {
	s    *server
	a, b naming_client.INamingClient
}

// checkNaming runs the checks of services on a server of their own.
func checkNaming() error {
	s, err := newServer()
	if err != nil {
		return err
	}
	defer s.close()
	n := &namings{s: s}
	if n.a, err = connectNaming(s.dir, s.port); err != nil {
		return err
	}
	defer n.a.CloseClient()
	if n.b, err = connectNaming(s.dir, s.port); err != nil {
		return err
	}
	defer n.b.CloseClient()
	var failed []error
	for _, one := range []struct {
		name string
		run  func() error
	}{
		{"services: register, list, deregister", n.registers},
		{"services: groups and clusters", n.groups},
		{"services: only healthy ones are selected", n.selects},
		{"services: a subscriber is told within a second", n.subscribes},
		{"services: a batch", n.batch},
		{"services: a persistent instance", n.persistent},
		{"services: pages of services", n.pages},
		{"services: a killed client is gone within two seconds", n.killed},
		{"services: the server is restarted in order", func() error { return n.restart(syscall.SIGTERM) }},
		{"services: the server is killed", func() error { return n.restart(syscall.SIGKILL) }},
	} {
		failed = append(failed, check(one.name, one.run))
	}
	return errors.Join(failed...)
}

func connectNaming(dir string, port int) (naming_client.INamingClient, error) {
	dir = filepath.Join(dir, fmt.Sprintf("naming-%d-%d", os.Getpid(), time.Now().UnixNano()))
	// Without UpdateCacheWhenEmpty this SDK keeps the last instance of a service when it goes.
	cc := constant.ClientConfig{TimeoutMs: 5000, NotLoadCacheAtStart: true, LogDir: dir, CacheDir: dir, LogLevel: "error", UpdateCacheWhenEmpty: true}
	return clients.NewNamingClient(vo.NacosClientParam{ClientConfig: &cc, ServerConfigs: []constant.ServerConfig{{IpAddr: "127.0.0.1", Port: uint64(port)}}})
}

// registerAndWait is the program as a client that is going to be killed.
func registerAndWait(service, port string) error {
	p, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	c, err := connectNaming(os.TempDir(), p)
	if err != nil {
		return err
	}
	if err := register(c, instance(service, "10.0.9.9", 99)); err != nil {
		return err
	}
	fmt.Println("registered")
	select {}
}

func instance(service, ip string, port uint64) vo.RegisterInstanceParam {
	return vo.RegisterInstanceParam{Ip: ip, Port: port, Weight: 1, Enable: true, Healthy: true, Ephemeral: true, ServiceName: service, GroupName: group}
}

func register(c naming_client.INamingClient, p vo.RegisterInstanceParam) error {
	ok, err := c.RegisterInstance(p)
	if err == nil && !ok {
		err = errors.New("registering answered false")
	}
	return err
}

func (n *namings) deregister(c naming_client.INamingClient, p vo.RegisterInstanceParam) error {
	ok, err := c.DeregisterInstance(vo.DeregisterInstanceParam{Ip: p.Ip, Port: p.Port, Cluster: p.ClusterName, ServiceName: p.ServiceName, GroupName: p.GroupName, Ephemeral: p.Ephemeral})
	if err == nil && !ok {
		err = errors.New("deregistering answered false")
	}
	return err
}

// shown returns instances as a text, in order.
func shown(list []model.Instance) string {
	var out []string
	for _, i := range list {
		out = append(out, fmt.Sprintf("%s:%d", i.Ip, i.Port))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// served returns what the server itself says of a service of the group, as a text.
func (n *namings) served(service string) (string, error) {
	res, err := http.Get(n.s.url() + "/nacos/v1/ns/instance/list?" + url.Values{"serviceName": {group + "@@" + service}}.Encode())
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	var m model.Service
	if err := json.Unmarshal(body, &m); err != nil {
		return "", fmt.Errorf("%s: %w", body, err)
	}
	return shown(m.Hosts), nil
}

// until waits until what get returns is as wanted.
func until(limit time.Duration, want string, get func() (string, error)) error {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		got, err := get()
		if err == nil && got == want {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v it is %q, want %q (%v)", limit, got, want, err)
		}
	}
}

func (n *namings) list(service string, clusters ...string) (string, error) {
	m, err := n.b.GetService(vo.GetServiceParam{ServiceName: service, GroupName: group, Clusters: clusters})
	return shown(m.Hosts), err
}

func (n *namings) registers() error {
	p := instance("go.a", "10.0.0.1", 80)
	p.Weight, p.Metadata = 2.5, map[string]string{"zone": "a", "unicode": "中文"}
	if err := register(n.a, p); err != nil {
		return err
	}
	m, err := n.b.GetService(vo.GetServiceParam{ServiceName: "go.a", GroupName: group})
	if err != nil || shown(m.Hosts) != "10.0.0.1:80" {
		return fmt.Errorf("listed %q: %w", shown(m.Hosts), err)
	}
	h := m.Hosts[0]
	if h.Weight != 2.5 || h.Metadata["zone"] != "a" || h.Metadata["unicode"] != "中文" || !h.Healthy || !h.Enable || !h.Ephemeral || h.ClusterName != "DEFAULT" {
		return fmt.Errorf("listed %+v", h)
	}
	p.Weight = 7
	if ok, err := n.a.UpdateInstance(vo.UpdateInstanceParam(p)); err != nil || !ok {
		return fmt.Errorf("updating: %t %w", ok, err)
	}
	if err := until(told, "7", func() (string, error) {
		m, err := n.b.GetService(vo.GetServiceParam{ServiceName: "go.a", GroupName: group})
		if err != nil || len(m.Hosts) != 1 {
			return "", err
		}
		return fmt.Sprint(m.Hosts[0].Weight), nil
	}); err != nil {
		return err
	}
	if err := n.deregister(n.a, p); err != nil {
		return err
	}
	return until(told, "", func() (string, error) { return n.list("go.a") })
}

func (n *namings) groups() error {
	one, two := instance("go.clusters", "10.0.0.1", 80), instance("go.clusters", "10.0.0.2", 80)
	one.ClusterName, two.ClusterName = "c1", "c2"
	if err := errors.Join(register(n.a, one), register(n.b, two)); err != nil {
		return err
	}
	for clusters, want := range map[string]string{"c1": "10.0.0.1:80", "c2": "10.0.0.2:80", "c1,c2": "10.0.0.1:80 10.0.0.2:80", "none": ""} {
		if err := until(told, want, func() (string, error) { return n.list("go.clusters", strings.Split(clusters, ",")...) }); err != nil {
			return fmt.Errorf("clusters %s: %w", clusters, err)
		}
	}
	other := instance("go.clusters", "10.0.0.3", 80)
	other.GroupName = "other"
	if err := register(n.a, other); err != nil {
		return err
	}
	m, err := n.b.GetService(vo.GetServiceParam{ServiceName: "go.clusters", GroupName: "other"})
	if err != nil || shown(m.Hosts) != "10.0.0.3:80" {
		return fmt.Errorf("of the other group: %q %w", shown(m.Hosts), err)
	}
	return until(told, "10.0.0.1:80 10.0.0.2:80", func() (string, error) { return n.list("go.clusters") })
}

func (n *namings) selects() error {
	good, bad := instance("go.health", "10.0.0.1", 80), instance("go.health", "10.0.0.2", 80)
	bad.Healthy = false
	if err := errors.Join(register(n.a, good), register(n.b, bad)); err != nil {
		return err
	}
	if err := until(told, "10.0.0.1:80 10.0.0.2:80", func() (string, error) { return n.list("go.health") }); err != nil {
		return err
	}
	for range 20 {
		i, err := n.b.SelectOneHealthyInstance(vo.SelectOneHealthInstanceParam{ServiceName: "go.health", GroupName: group})
		if err != nil || i.Ip != "10.0.0.1" {
			return fmt.Errorf("selected %+v: %w", i, err)
		}
	}
	for healthy, want := range map[bool]string{true: "10.0.0.1:80", false: "10.0.0.2:80"} {
		list, err := n.b.SelectInstances(vo.SelectInstancesParam{ServiceName: "go.health", GroupName: group, HealthyOnly: healthy})
		if err != nil || shown(list) != want {
			return fmt.Errorf("healthy %t: %q %w", healthy, shown(list), err)
		}
	}
	return nil
}

func (n *namings) subscribes() error {
	var s seen
	p := &vo.SubscribeParam{ServiceName: "go.told", GroupName: group, SubscribeCallback: func(list []model.Instance, err error) { s.add(shown(list)) }}
	if err := n.b.Subscribe(p); err != nil {
		return err
	}
	i := instance("go.told", "10.0.0.1", 80)
	if err := register(n.a, i); err != nil {
		return err
	}
	if err := s.until("10.0.0.1:80", told); err != nil {
		return err
	}
	if err := n.deregister(n.a, i); err != nil {
		return err
	}
	if err := s.until("", told); err != nil {
		return err
	}
	if err := n.b.Unsubscribe(p); err != nil {
		return err
	}
	if err := register(n.a, i); err != nil {
		return err
	}
	if err := s.until("10.0.0.1:80", told); err == nil {
		return errors.New("it was told after it had unsubscribed")
	}
	return nil
}

func (n *namings) batch() error {
	many := []vo.RegisterInstanceParam{instance("", "10.0.0.1", 80), instance("", "10.0.0.2", 80), instance("", "10.0.0.3", 80)}
	for _, tt := range []struct {
		list []vo.RegisterInstanceParam
		want string
	}{{many, "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80"}, {many[1:], "10.0.0.2:80 10.0.0.3:80"}} {
		if ok, err := n.a.BatchRegisterInstance(vo.BatchRegisterInstanceParam{ServiceName: "go.batch", GroupName: group, Instances: tt.list}); err != nil || !ok {
			return fmt.Errorf("%t %w", ok, err)
		}
		if err := until(told, tt.want, func() (string, error) { return n.list("go.batch") }); err != nil {
			return err
		}
	}
	return nil
}

// persistent registers over HTTP, as this SDK does.
func (n *namings) persistent() error {
	i := instance("go.lasting", "127.0.0.1", uint64(n.s.port))
	i.Ephemeral = false
	c, err := connectNaming(n.s.dir, n.s.port)
	if err != nil {
		return err
	}
	if err := register(c, i); err != nil {
		return err
	}
	c.CloseClient()
	want := fmt.Sprintf("127.0.0.1:%d", n.s.port)
	if err := until(told, want, func() (string, error) { return n.list("go.lasting") }); err != nil {
		return err
	}
	if err := n.deregister(n.a, i); err != nil {
		return err
	}
	return until(told, "", func() (string, error) { return n.list("go.lasting") })
}

func (n *namings) pages() error {
	for i := range 25 {
		p := instance(fmt.Sprintf("go.page.%02d", i), "10.0.0.1", 80)
		p.GroupName = "pages"
		if err := register(n.a, p); err != nil {
			return err
		}
	}
	var all []string
	for page := uint32(1); page <= 4; page++ {
		m, err := n.b.GetAllServicesInfo(vo.GetAllServiceInfoParam{NameSpace: "public", GroupName: "pages", PageNo: page, PageSize: 10})
		if err != nil || m.Count != 25 {
			return fmt.Errorf("page %d: %+v %w", page, m, err)
		}
		all = append(all, m.Doms...)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) != 25 {
		return fmt.Errorf("the pages have %d services: %q", len(all), all)
	}
	return nil
}

func (n *namings) killed() error {
	var s seen
	if err := n.b.Subscribe(&vo.SubscribeParam{ServiceName: "go.killed", GroupName: group, SubscribeCallback: func(list []model.Instance, err error) { s.add(shown(list)) }}); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, registering, "go.killed", strconv.Itoa(n.s.port))
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		return err
	}
	err = s.until("10.0.9.9:99", 20*time.Second)
	_ = child.Process.Kill()
	at := time.Now()
	_ = child.Wait()
	if err != nil {
		return err
	}
	if err := s.until("", gone); err != nil {
		return err
	}
	return until(gone-time.Since(at), "", func() (string, error) { return n.served("go.killed") })
}

// restart ends the server while both provide and b subscribes: what they registered comes back, once.
func (n *namings) restart(sig syscall.Signal) error {
	service := fmt.Sprintf("go.restart.%d", sig)
	var s seen
	if err := n.b.Subscribe(&vo.SubscribeParam{ServiceName: service, GroupName: group, SubscribeCallback: func(list []model.Instance, err error) { s.add(shown(list)) }}); err != nil {
		return err
	}
	batch := []vo.RegisterInstanceParam{instance("", "10.0.0.1", 80), instance("", "10.0.0.2", 80)}
	if _, err := n.a.BatchRegisterInstance(vo.BatchRegisterInstanceParam{ServiceName: service, GroupName: group, Instances: batch}); err != nil {
		return err
	}
	if err := register(n.b, instance(service, "10.0.0.3", 80)); err != nil {
		return err
	}
	const want = "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80"
	if err := s.until(want, told); err != nil {
		return err
	}
	n.s.end(sig)
	time.Sleep(500 * time.Millisecond)
	if err := n.s.start(); err != nil {
		return err
	}
	if err := until(45*time.Second, want, func() (string, error) { return n.served(service) }); err != nil {
		return err
	}
	more := instance(service, "10.0.0.4", 80)
	more.ClusterName = "late"
	late, err := connectNaming(n.s.dir, n.s.port)
	if err != nil {
		return err
	}
	defer late.CloseClient()
	if err := register(late, more); err != nil {
		return err
	}
	if err := s.until(want+" 10.0.0.4:80", patience); err != nil {
		return fmt.Errorf("after the restart: %w", err)
	}
	got, err := n.served(service)
	if err != nil || got != want+" 10.0.0.4:80" {
		return fmt.Errorf("in the end there is %q: %w", got, err)
	}
	return nil
}
