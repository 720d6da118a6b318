package settings

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDefaultsAreValidAndShown(t *testing.T) {
	s := Default()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Mode: "standalone", DataDir: "./data", HTTPAddr: "127.0.0.1:8848", UDPPush: "source", Storage: "sqlite",
		LogFormat: "text", LogLevel: slog.LevelInfo, AccessLog: "sampled", AccessLogRate: 10, Metrics: true,
		MaxConfigSize: 10 << 20, HistoryRetention: 30,
		QuotaCluster: 100000, QuotaGroup: 200, QuotaNamespace: 200, QuotaMaxSize: 102400, MaxNamespaces: 100000,
		MaxInstances: 1000000, MaxInstancesPerService: 100000, MaxServices: 200000, MaxServicesPerClient: 10000, MaxSubscriptions: 5000000, MaxSubscriptionsPerClient: 10000,
		APICompatClient: true, APICompatAdmin: true, APICompatConsole: true,
		LongPollMaxWaiting: 100000, GRPCMaxMessage: 10 << 20, GRPCMaxConnections: 50000, ImportMaxZip: 32 << 20, ImportMaxUnpacked: 256 << 20,
		RebalanceSkew: 50, ConsoleSessionIdle: 12 * time.Hour, DrainTimeout: 10 * time.Second,
	}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreUnexported(Settings{})); diff != "" {
		t.Errorf("defaults differ (-want +got):\n%s", diff)
	}
	for _, l := range s.Describe() {
		o := find(l.Name)
		again := Default()
		if err := o.set(&again, l.Value); err != nil && l.Value != "" {
			t.Errorf("%s is shown as %q, which is not accepted: %v", l.Name, l.Value, err)
		}
		if l.From != FromDefault {
			t.Errorf("%s comes from %q, want the default", l.Name, l.From)
		}
		if !strings.HasSuffix(l.Help, ".") {
			t.Errorf("the help of %s is no sentence: %q", l.Name, l.Help)
		}
	}
}

func TestFlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	path := write(t, "history-retention: 7\nlog-format: json\nmax-config-size: 1MiB\ntrusted-proxies: [10.0.0.1, 10.1.0.0/16]\n")
	s, warnings, err := Load(Input{
		Flags:   map[string]string{"history-retention": "9", "config": path},
		Environ: []string{"NACRE_HISTORY_RETENTION=8", "NACRE_MAX_CONFIG_SIZE=2MiB", "NACRE_LOG_LEVEL=", "NACRE_CONFIG=/nowhere", "HOME=/x"},
	})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	type row struct{ Value, From string }
	want := map[string]row{
		"history-retention": {"9", "flag --history-retention"},
		"max-config-size":   {"2MiB", "environment NACRE_MAX_CONFIG_SIZE"},
		"log-format":        {"json", "file " + path},
		"log-level":         {"info", "default"},
		"trusted-proxies":   {"10.0.0.1,10.1.0.0/16", "file " + path},
		"config":            {path, "flag --config"},
	}
	got := map[string]row{}
	for _, l := range s.Describe() {
		if _, ok := want[l.Name]; ok {
			got[l.Name] = row{l.Value, string(l.From)}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(s.TrustedProxies) != 2 || s.MaxConfigSize != 2<<20 {
		t.Errorf("got %+v", s)
	}
}

func TestWrongSettingsNameSettingValueSourceAndWhatIsRight(t *testing.T) {
	for _, tc := range []struct {
		name  string
		flags map[string]string
		env   []string
		want  string // a part of the error
	}{
		{name: "a number that is none", flags: map[string]string{"history-retention": "30d"},
			want: `history-retention "30d" (flag --history-retention): must be a whole number such as 30`},
		{name: "a number out of range", env: []string{"NACRE_HISTORY_RETENTION=0"},
			want: `history-retention "0" (environment NACRE_HISTORY_RETENTION): must be between 1 and 36500`},
		{name: "a size with an unknown unit", flags: map[string]string{"max-config-size": "10M"},
			want: `max-config-size "10M" (flag --max-config-size): must be a size`},
		{name: "a size out of range", flags: map[string]string{"max-config-size": "1GiB"},
			want: `max-config-size "1GiB" (flag --max-config-size): must be between 1KiB and 64MiB`},
		{name: "a negative size", flags: map[string]string{"cache-budget": "-1"}, want: `cache-budget "-1"`},
		{name: "a size beyond all numbers", flags: map[string]string{"cache-budget": "99999999999999GiB"}, want: `must be a size`},
		{name: "a switch that is neither", flags: map[string]string{"metrics": "maybe"}, want: `metrics "maybe" (flag --metrics): must be on or off`},
		{name: "a duration without a unit", flags: map[string]string{"drain-timeout": "10"}, want: `must be a duration with its unit`},
		{name: "a negative duration", flags: map[string]string{"drain-timeout": "-1s"}, want: `must be between 0s and 10m`},
		{name: "a login that ends at once", flags: map[string]string{"console-session-idle": "5s"}, want: `must be between 1m and 168h`},
		{name: "an unknown mode", flags: map[string]string{"mode": "duster"}, want: `must be standalone or cluster`},
		{name: "an unknown log level", flags: map[string]string{"log-level": "loud"}, want: `must be debug, info, warn or error`},
		{name: "an unknown access log", flags: map[string]string{"access-log": "some"}, want: `must be on, sampled or off`},
		{name: "a cluster of nobody", flags: map[string]string{"mode": "cluster", "insecure": "on"}, want: `mode "cluster" (flag --mode): needs to know who the members are: set members, cluster-conf or address-server`},
		{name: "a cluster without a key", flags: map[string]string{"mode": "cluster", "members": "a:1"}, want: "a cluster needs a key, so that nobody else can join it: make one with `nacre cluster new-key`"},
		{name: "a short key", env: []string{"NACRE_CLUSTER_KEY=hunter2"}, flags: map[string]string{"mode": "cluster", "members": "a:1"}, want: `NACRE_CLUSTER_KEY "********": must be a key of at least 16 characters`},
		{name: "a key file that is not there", flags: map[string]string{"mode": "cluster", "members": "a:1", "cluster-key-file": "/nowhere"}, want: `cluster-key-file "/nowhere" (flag --cluster-key-file): must be a file that can be read: open /nowhere: no such file`},
		{name: "members of one that is alone", flags: map[string]string{"members": "a:1,b:2"}, want: `members "a:1,b:2" (flag --members): counts with mode cluster alone`},
		{name: "an advertised URL", flags: map[string]string{"advertise-addr": "http://x"}, want: `must be a host without a port, such as 10.0.0.1`},
		{name: "an address server without a scheme", flags: map[string]string{"mode": "cluster", "insecure": "on", "address-server": "x:8080"}, want: `must be a URL, such as http://10.0.0.1:8080/nacos/serverlist`},
		{name: "a port that leaves none for raft", flags: map[string]string{"mode": "cluster", "members": "a:1", "insecure": "on", "http-addr": "127.0.0.1:80"}, want: `leaves no port for other nodes at the port -1000; use another port, or set raft-addr`},
		{name: "a raft address without a port", flags: map[string]string{"mode": "cluster", "members": "a:1", "insecure": "on", "raft-addr": "10.0.0.1"}, want: `raft-addr "10.0.0.1" (flag --raft-addr): must be host:port, such as 10.0.0.1:7848`},
		{name: "MySQL that is nowhere", flags: map[string]string{"storage": "mysql"}, want: `mysql-dsn "": storage mysql needs it: user:password@tcp(host:3306)/database`},
		{name: "MySQL with raft", flags: map[string]string{"storage": "mysql", "mysql-dsn": "u:p@tcp(db)/n", "mode": "cluster", "insecure": "on", "members": "a:1", "raft-addr": "a:2"}, want: `raft-addr "a:2" (flag --raft-addr): counts with storage sqlite alone; leave this out`},
		{name: "a cache that holds less than all, which comes later", flags: map[string]string{"cache-budget": "1GiB"}, want: `cache-budget "1GiB" (flag --cache-budget): this version holds all contents`},
		{name: "a DSN, masked", flags: map[string]string{"mysql-dsn": "root:hunter2@tcp(db)/n"}, want: `mysql-dsn "********" (flag --mysql-dsn)`},
		{name: "logins, which come later", env: []string{"NACRE_AUTH=on"}, want: `auth "on" (environment NACRE_AUTH): this version does not ask applications for a login yet`},
		{name: "an open address", flags: map[string]string{"http-addr": "0.0.0.0:8848"}, want: `use a loopback address such as 127.0.0.1:8848, or give --insecure`},
		{name: "every address", flags: map[string]string{"http-addr": ":8848"}, want: `give --insecure`},
		{name: "an open IPv6 address", flags: map[string]string{"http-addr": "[::]:80"}, want: `give --insecure`},
		{name: "a name that may be anything", flags: map[string]string{"http-addr": "nacre.example:80"}, want: `give --insecure`},
		{name: "an address without a port", flags: map[string]string{"http-addr": "127.0.0.1"}, want: `must be host:port`},
		{name: "a port that is none", flags: map[string]string{"http-addr": "127.0.0.1:99999"}, want: `with a port up to 65535`},
		{name: "an HTTP port so high that gRPC finds none", flags: map[string]string{"http-addr": "127.0.0.1:65000"}, want: `leaves no port for gRPC`},
		{name: "gRPC on an open address", flags: map[string]string{"grpc-addr": "0.0.0.0:9848"}, want: `use a loopback address such as 127.0.0.1:9848, or give --insecure`},
		{name: "DNS on an open address", flags: map[string]string{"dns-addr": "0.0.0.0:53"}, want: `could find the addresses of every service; use a loopback address such as 127.0.0.1:53, or give --insecure`},
		{name: "UDP to nowhere", flags: map[string]string{"udp-push": "everywhere"}, want: `udp-push "everywhere" (flag --udp-push): must be source, claimed or off`},
		{name: "a DNS address without a port", flags: map[string]string{"dns-addr": "localhost"}, want: `dns-addr "localhost" (flag --dns-addr): must be host:port`},
		{name: "a gRPC address without a port", flags: map[string]string{"grpc-addr": "localhost"}, want: `grpc-addr "localhost" (flag --grpc-addr): must be host:port`},
		{name: "a proxy by name", flags: map[string]string{"trusted-proxies": "10.0.0.1,lb"}, want: `trusted-proxies "lb" (flag --trusted-proxies): must be addresses or networks`},
		{name: "an empty data folder", flags: map[string]string{"data-dir": " "}, want: `must name a folder`},
		{name: "a ZIP that could not hold one configuration", flags: map[string]string{"import-max-unpacked": "1MiB"}, want: `must not be below max-config-size, which is 10MiB`},
		{name: "a file that is not there", env: []string{"NACRE_CONFIG=/nowhere.yaml"},
			want: `config "/nowhere.yaml" (environment NACRE_CONFIG): must be a readable YAML file: no such file or directory`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := Load(Input{Flags: tc.flags, Environ: tc.env})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v\nwant %s", err, tc.want)
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("not a *settings.Error: %T", err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("a secret is shown: %v", err)
			}
		})
	}
}

func TestWhatAClusterNeeds(t *testing.T) {
	file := write(t, "  a key that is long enough\n")
	s, _, err := Load(Input{Flags: map[string]string{"mode": "cluster", "members": "a:1", "cluster-key-file": file}, Environ: []string{"NACRE_CLUSTER_KEY=another key, long enough"}})
	if err != nil {
		t.Fatal(err)
	}
	if key, err := s.Key(); string(key) != "a key that is long enough" || err != nil {
		t.Errorf("the key is %q, %v", key, err)
	}
	peer, raft, gossip := s.NodeAddrs(8848)
	if peer != "127.0.0.1:9849" || raft != "127.0.0.1:7848" || gossip != "127.0.0.1:7849" {
		t.Errorf("the addresses are %s, %s, %s", peer, raft, gossip)
	}
	s.HTTPAddr, s.RaftAddr = "127.0.0.1:0", "10.0.0.1:1"
	if peer, raft, _ = s.NodeAddrs(4711); peer != "127.0.0.1:0" || raft != "10.0.0.1:1" {
		t.Errorf("with a free port they are %s, %s", peer, raft)
	}
	s, _, err = Load(Input{Flags: map[string]string{"mode": "cluster", "members": "a:1"}, Environ: []string{"NACRE_CLUSTER_KEY=another key, long enough"}})
	if key, _ := s.Key(); string(key) != "another key, long enough" || err != nil {
		t.Errorf("from the environment it is %q, %v", key, err)
	}
	for _, l := range s.Describe() {
		if strings.Contains(l.Value, "another key") {
			t.Errorf("%s shows the key", l.Name)
		}
	}
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	_, _, err := Load(Input{Flags: map[string]string{"mode": "cluster", "log-format": "xml", "http-addr": "0.0.0.0:1"}})
	for _, want := range []string{"mode ", "log-format ", "http-addr "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not mention %s", err, want)
		}
	}
}

func TestAddressesThatAreAccepted(t *testing.T) {
	for _, flags := range []map[string]string{
		{"http-addr": "127.0.0.1:0"},
		{"http-addr": "127.9.9.9:8848"},
		{"http-addr": "[::1]:8848"},
		{"http-addr": "[::ffff:127.0.0.1]:8848"},
		{"http-addr": "localhost:8848"},
		{"http-addr": "0.0.0.0:8848", "insecure": "on"},
		{"http-addr": ":8848", "insecure": "true"},
	} {
		if _, _, err := Load(Input{Flags: flags}); err != nil {
			t.Errorf("%v: %v", flags, err)
		}
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"an unknown setting, with the one that was meant", "log-format: json\nmax-conf-size: 1MiB\n", `line 2: "max-conf-size" is no setting; did you mean max-config-size?`},
		{"an unknown setting that resembles none", "replication: 3\n", `line 1: "replication" is no setting`},
		{"the same twice", "mode: standalone\nmode: standalone\n", `line 2: "mode" stands there twice`},
		{"a list instead of settings", "- mode\n", "line 1: must be a list of `name: value`"},
		{"a tree", "quota-group:\n  a: 1\n", `line 2: the value of "quota-group" must be one value`},
		{"a file in a file", "config: other.yaml\n", "cannot name another one"},
		{"not YAML", "mode: [\n", "must be YAML"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := Load(Input{Flags: map[string]string{"config": write(t, tc.text)}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v\nwant %s", err, tc.want)
			}
		})
	}
	for _, text := range []string{"", "# nothing\n", "members:\n"} {
		if _, _, err := Load(Input{Flags: map[string]string{"config": write(t, text)}}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUnknownEnvironmentVariablesAreMentioned(t *testing.T) {
	_, warnings, err := Load(Input{Environ: []string{
		"NACRE_HTPP_ADDR=127.0.0.1:1", "NACRE_SERVICE_HOST=10.0.0.1", "NACRE_PORT=tcp://10.0.0.1:8848", "NACRE_PORT_8848_TCP=x",
		"NACRE_ADMIN_PASSWORD=x", "NACRE_TEST_CLOCK_OFFSET=/x",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"environment variable NACRE_HTPP_ADDR is no setting and was ignored; did you mean NACRE_HTTP_ADDR?"}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	s := Default()
	s.MySQLDSN = "root:hunter2@tcp(db)/n"
	for _, l := range s.Describe() {
		if strings.Contains(l.Value, "hunter2") {
			t.Errorf("%s shows a secret", l.Name)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("mode: standalone\n")
	f.Add("members: [a, b]\n")
	f.Add("? {a: b}\n: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, _, err := Load(Input{Flags: map[string]string{"config": path}})
		if err == nil && s.Validate() != nil {
			t.Fatal("accepted by Load and refused by Validate")
		}
	})
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nacre.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGRPCIsWhereSDKsLookForIt(t *testing.T) {
	for _, tc := range []struct{ http, grpc, want string }{
		{"127.0.0.1:8848", "", "127.0.0.1:9848"},
		{"[::1]:8848", "", "[::1]:9848"},
		{"127.0.0.1:0", "", "127.0.0.1:0"},
		{"127.0.0.1:8848", "127.0.0.1:7", "127.0.0.1:7"},
	} {
		s := Settings{HTTPAddr: tc.http, GRPCAddr: tc.grpc}
		if got := s.ClientGRPCAddr(8848); got != tc.want {
			t.Errorf("http-addr %s, grpc-addr %q: gRPC at %s, want %s", tc.http, tc.grpc, got, tc.want)
		}
	}
}
