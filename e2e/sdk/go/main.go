// Checks Nacre with Nacos' SDK for Go. NACRE names the binary of the server.
package main

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/config_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

const group = "sdk"

// patience is how long a listener may take. This SDK looks at its listeners every five seconds, and drops a push that comes
// while it works on others; the server sends it again after 1, 2, 4, 8 and 16 s.
const patience = 40 * time.Second

func main() {
	if len(os.Args) == 4 && os.Args[1] == registering {
		fmt.Println(registerAndWait(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	time.AfterFunc(8*time.Minute, func() {
		fmt.Println("FAILED: took longer than 8 minutes")
		os.Exit(1)
	})
	if err := run(); err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func run() error {
	idle := make(chan error, 1)
	go func() { idle <- check("one idle minute, then a change", idleMinute) }()
	naming := make(chan error, 1)
	go func() { naming <- checkNaming() }()
	s, err := newServer()
	if err != nil {
		return err
	}
	defer s.close()
	c, err := connect(s, "")
	if err != nil {
		return err
	}
	k := &checks{s: s, c: c}
	var failed []error
	for _, one := range []struct {
		name string
		run  func() error
	}{
		{"publish, read, remove", k.publishReadRemove},
		{"compare and set", k.cas},
		{"three changes in a row and a removal are told", k.listens},
		{"200 listeners on one client", k.manyListeners},
		{"unicode and a megabyte", k.contents},
		{"types", k.types},
		{"namespaces", k.namespaces},
		{"a beta variant by address, a variant by tag", k.gray},
		{"an encrypted configuration with its key", k.encrypted},
		{"the server is restarted in order", func() error { return k.restart(syscall.SIGTERM) }},
		{"the server is killed", func() error { return k.restart(syscall.SIGKILL) }},
	} {
		failed = append(failed, check(one.name, one.run))
	}
	c.CloseClient()
	return errors.Join(append(failed, <-idle, <-naming)...)
}

// check runs one check and prints what came of it.
func check(name string, run func() error) error {
	start := time.Now()
	err := run()
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
		fmt.Printf("FAILED %s (%.1f s): %v\n", name, time.Since(start).Seconds(), err)
		return err
	}
	fmt.Printf("ok     %s (%.1f s)\n", name, time.Since(start).Seconds())
	return nil
}

func connect(s *server, namespace string, labels ...string) (config_client.IConfigClient, error) {
	dir := filepath.Join(s.dir, fmt.Sprintf("sdk-%d", time.Now().UnixNano()))
	cc := constant.ClientConfig{NamespaceId: namespace, TimeoutMs: 5000, NotLoadCacheAtStart: true, LogDir: dir, CacheDir: dir, LogLevel: "error", DisableUseSnapShot: true}
	if len(labels) > 0 {
		cc.AppConnLabels = map[string]string{labels[0]: labels[1]}
	}
	return clients.NewConfigClient(vo.NacosClientParam{
		ClientConfig:  &cc,
		ServerConfigs: []constant.ServerConfig{{IpAddr: "127.0.0.1", Port: uint64(s.port)}},
	})
}

type checks struct {
	s    *server
	c    config_client.IConfigClient
	many []*seen // the listeners to many.0, many.1 ...
}

func (k *checks) publish(id, content string) error {
	ok, err := k.c.PublishConfig(vo.ConfigParam{DataId: id, Group: group, Content: content})
	if err == nil && !ok {
		err = errors.New("publishing answered false")
	}
	return err
}

func (k *checks) expect(c config_client.IConfigClient, id, want string) error {
	got, err := c.GetConfig(vo.ConfigParam{DataId: id, Group: group})
	if err != nil && want != "" {
		return fmt.Errorf("reading %s: %w", id, err)
	}
	if got != want {
		return fmt.Errorf("%s is %.60q, want %.60q", id, got, want)
	}
	return nil
}

func (k *checks) publishReadRemove() error {
	if err := k.publish("a", "one"); err != nil {
		return err
	}
	if err := k.expect(k.c, "a", "one"); err != nil {
		return err
	}
	if ok, err := k.c.DeleteConfig(vo.ConfigParam{DataId: "a", Group: group}); err != nil || !ok {
		return fmt.Errorf("removing: %t %w", ok, err)
	}
	return k.expect(k.c, "a", "")
}

func digest(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func (k *checks) cas() error {
	if err := k.publish("cas", "one"); err != nil {
		return err
	}
	p := vo.ConfigParam{DataId: "cas", Group: group, Content: "two", CasMd5: digest("other")}
	if ok, err := k.c.PublishConfig(p); ok || err == nil && ok {
		return errors.New("a wrong md5 was taken")
	}
	if err := k.expect(k.c, "cas", "one"); err != nil {
		return err
	}
	p.CasMd5 = digest("one")
	if ok, err := k.c.PublishConfig(p); err != nil || !ok {
		return fmt.Errorf("the right md5 was refused: %w", err)
	}
	return k.expect(k.c, "cas", "two")
}

// seen collects what a listener is told.
type seen struct {
	mu     sync.Mutex
	values []string
}

func (s *seen) add(v string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = append(s.values, v)
}

func (s *seen) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.values) == 0 {
		return "<nothing>"
	}
	return s.values[len(s.values)-1]
}

func (s *seen) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.values)
}

// until waits until the listener was told want last.
func (s *seen) until(want string, limit time.Duration) error {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		if s.last() == want {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v the listener was told %q last, want %q", limit, s.last(), want)
		}
	}
}

func listen(c config_client.IConfigClient, id string) (*seen, error) {
	var s seen
	return &s, c.ListenConfig(vo.ConfigParam{DataId: id, Group: group, OnChange: func(_, _, _, data string) { s.add(data) }})
}

func (k *checks) listens() error {
	s, err := listen(k.c, "told")
	if err != nil {
		return err
	}
	if err := k.publish("told", "0"); err != nil {
		return err
	}
	if err := s.until("0", patience); err != nil {
		return err
	}
	for _, v := range []string{"1", "2", "3"} {
		if err := k.publish("told", v); err != nil {
			return err
		}
	}
	if err := s.until("3", patience); err != nil {
		return err
	}
	if got := s.all(); !slices.IsSorted(got) {
		return fmt.Errorf("an older value came after a newer one: %q", got)
	}
	if _, err := k.c.DeleteConfig(vo.ConfigParam{DataId: "told", Group: group}); err != nil {
		return err
	}
	if err := s.until("", 2*time.Second); err != nil { // this SDK tells nothing of a removal on its own: it keeps the content
		if s.last() != "3" {
			return err
		}
		return k.expect(k.c, "told", "")
	}
	return nil
}

func (k *checks) manyListeners() error {
	for i := range 200 {
		s, err := listen(k.c, fmt.Sprintf("many.%d", i))
		if err != nil {
			return err
		}
		k.many = append(k.many, s)
	}
	for _, round := range []string{"first", "second"} {
		if err := k.publishMany(round); err != nil {
			return err
		}
		if err := k.manyTold(round); err != nil {
			return err
		}
	}
	return nil
}

// publishMany publishes a change of each configuration with a listener, over HTTP.
func (k *checks) publishMany(round string) error {
	for i := range k.many {
		if err := k.s.publish(form("dataId", fmt.Sprintf("many.%d", i), "group", group, "content", fmt.Sprintf("%d %s", i, round))); err != nil {
			return err
		}
	}
	return nil
}

func (k *checks) manyTold(round string) error {
	for i, s := range k.many {
		if err := s.until(fmt.Sprintf("%d %s", i, round), patience); err != nil {
			return fmt.Errorf("listener %d: %w", i, err)
		}
	}
	return nil
}

func (k *checks) contents() error {
	for id, content := range map[string]string{
		"unicode": "grün, 中文, 🐚, \u0000 and a tab\t\r\n", "large": strings.Repeat("0123456789abcde\n", 1<<16),
	} {
		if err := k.publish(id, content); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		if err := k.expect(k.c, id, content); err != nil {
			return err
		}
	}
	return nil
}

func (k *checks) types() error {
	for _, typ := range []string{"json", "yaml", "properties", "xml", "text", "html", "toml"} {
		if ok, err := k.c.PublishConfig(vo.ConfigParam{DataId: "typed", Group: group, Content: "x " + typ, Type: typ}); err != nil || !ok {
			return fmt.Errorf("%s: %w", typ, err)
		}
		if got, err := k.s.header("typed", group, "Config-Type"); err != nil || got != typ {
			return fmt.Errorf("the type is %q, want %q (%v)", got, typ, err)
		}
	}
	return nil
}

func (k *checks) namespaces() error {
	other, err := connect(k.s, "other")
	if err != nil {
		return err
	}
	defer other.CloseClient()
	if err := k.publish("shared", "of the default one"); err != nil {
		return err
	}
	if ok, err := other.PublishConfig(vo.ConfigParam{DataId: "shared", Group: group, Content: "of the other one"}); err != nil || !ok {
		return fmt.Errorf("publishing in another namespace: %w", err)
	}
	if err := k.expect(k.c, "shared", "of the default one"); err != nil {
		return err
	}
	return k.expect(other, "shared", "of the other one")
}

func (k *checks) gray() error {
	if err := k.publish("gray", "for all"); err != nil {
		return err
	}
	s, err := listen(k.c, "gray")
	if err != nil {
		return err
	}
	if ok, err := k.c.PublishConfig(vo.ConfigParam{DataId: "gray", Group: group, Content: "for this address", BetaIps: strings.Join(own(), ",")}); err != nil || !ok {
		return fmt.Errorf("publishing a beta: %w", err)
	}
	if err := s.until("for this address", patience); err != nil {
		return err
	}
	if err := k.expect(k.c, "gray", "for this address"); err != nil {
		return err
	}
	if got, err := k.s.header("gray", group, "Content-MD5"); err != nil || got != digest("for all") && got != digest("for this address") {
		return fmt.Errorf("over HTTP the md5 is %s (%v)", got, err)
	}
	if err := k.publish("tagged", "for all"); err != nil {
		return err
	}
	if err := k.s.publish(form("dataId", "tagged", "group", group, "content", "for the tag", "tag", "blue")); err != nil {
		return err
	}
	if err := k.expect(k.c, "tagged", "for all"); err != nil {
		return err
	}
	blue, err := connect(k.s, "", "Vipserver-Tag", "blue") // this SDK says its tag in a label of the connection, not in a read
	if err != nil {
		return err
	}
	defer blue.CloseClient()
	if err := k.expect(blue, "tagged", "for the tag"); err != nil {
		return fmt.Errorf("with the tag: %w", err)
	}
	if s, err = listen(blue, "tagged"); err != nil {
		return err
	}
	if err := k.s.publish(form("dataId", "tagged", "group", group, "content", "again for the tag", "tag", "blue")); err != nil {
		return err
	}
	return s.until("again for the tag", patience)
}

// own returns the addresses of this machine: the SDK claims one of them.
func own() []string {
	out := []string{"127.0.0.1"}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return out
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			out = append(out, n.IP.String())
		}
	}
	return out
}

func (k *checks) encrypted() error {
	const id = "cipher-aes-x"
	if err := k.s.publish(form("dataId", id, "group", group, "content", "ciphertext", "encryptedDataKey", "the key")); err != nil {
		return err
	}
	if err := k.expect(k.c, id, "ciphertext"); err != nil {
		return err
	}
	if ok, err := k.c.PublishConfig(vo.ConfigParam{DataId: id, Group: group, Content: "other", EncryptedDataKey: "another key"}); err != nil || !ok {
		return fmt.Errorf("publishing with a key: %w", err)
	}
	if got, err := k.s.header(id, group, "Encrypted-Data-Key"); err != nil || got != "another key" {
		return fmt.Errorf("the key is %q, want %q (%v)", got, "another key", err)
	}
	return nil
}

func (k *checks) restart(sig syscall.Signal) error {
	id := fmt.Sprintf("restart.%d", sig)
	s, err := listen(k.c, id)
	if err != nil {
		return err
	}
	if err := k.publish(id, "before"); err != nil {
		return err
	}
	if err := s.until("before", patience); err != nil {
		return err
	}
	k.s.end(sig)
	time.Sleep(500 * time.Millisecond)
	if err := k.s.start(); err != nil {
		return err
	}
	// Published before the client is back: it must learn of it when it listens again.
	if err := k.s.publish(form("dataId", id, "group", group, "content", "meanwhile")); err != nil {
		return err
	}
	if err := s.until("meanwhile", patience); err != nil {
		return err
	}
	if err := k.publish(id, "after"); err != nil {
		return err
	}
	return s.until("after", patience)
}

func idleMinute() error {
	s, err := newServer()
	if err != nil {
		return err
	}
	defer s.close()
	c, err := connect(s, "")
	if err != nil {
		return err
	}
	defer c.CloseClient()
	told, err := listen(c, "idle")
	if err != nil {
		return err
	}
	time.Sleep(time.Minute)
	if err := s.publish(form("dataId", "idle", "group", group, "content", "awake")); err != nil {
		return err
	}
	return told.until("awake", time.Second)
}
