package cli

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nacre/server/settings"
)

// run runs a command; serve takes the place of the server.
func run(t *testing.T, serve func(context.Context, settings.Settings) error, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = Main(t.Context(), args, Env{
		Stdout: &out, Stderr: &errOut, Environ: environ,
		Serve: func(ctx context.Context, s settings.Settings, _ *slog.Logger, _ *slog.LevelVar) error {
			return serve(ctx, s)
		},
	})
	return code, out.String(), errOut.String()
}

func TestServeHandsOverTheSettingsAndReturnsItsExitCode(t *testing.T) {
	for _, tc := range []struct {
		name    string
		args    []string
		environ []string
		fail    error
		code    int
		addr    string
		stderr  string
	}{
		{name: "serve", args: []string{"serve", "--http-addr", "127.0.0.1:1"}, addr: "127.0.0.1:1"},
		{name: "serve is the command when none is named", args: []string{"--http-addr=127.0.0.1:2"}, addr: "127.0.0.1:2"},
		{name: "nothing at all", addr: "127.0.0.1:8848"},
		{name: "environment", args: []string{"serve"}, environ: []string{"NACRE_HTTP_ADDR=127.0.0.1:3"}, addr: "127.0.0.1:3"},
		{name: "flag over environment", args: []string{"serve", "--http-addr=127.0.0.1:4"}, environ: []string{"NACRE_HTTP_ADDR=127.0.0.1:3"}, addr: "127.0.0.1:4"},
		{name: "--insecure without a value", args: []string{"serve", "--insecure", "--http-addr=:5"}, addr: ":5", stderr: "anybody who reaches http-addr"},
		{name: "--insecure=off", args: []string{"serve", "--insecure=off", "--http-addr=:5"}, code: ExitUsage, stderr: `nacre: http-addr ":5" (flag --http-addr)`},
		{name: "a failure while running", args: []string{"serve"}, fail: errors.New("disk is gone"), addr: "127.0.0.1:8848", code: ExitFail, stderr: "nacre: disk is gone"},
		{name: "a wrong setting", args: []string{"serve", "--auth", "on"}, code: ExitUsage, stderr: "this version does not ask applications for a login yet"},
		{name: "an unknown flag", args: []string{"serve", "--prot", "1"}, code: ExitUsage, stderr: "unknown flag --prot"},
		{name: "an unknown command", args: []string{"sreve"}, code: ExitUsage, stderr: "sreve"},
		{name: "a flag without its value", args: []string{"serve", "--http-addr"}, code: ExitUsage, stderr: "--http-addr"},
		{name: "an unknown variable is mentioned", args: []string{"serve"}, environ: []string{"NACRE_LOG_LEVELS=x"}, addr: "127.0.0.1:8848", stderr: "did you mean NACRE_LOG_LEVEL?"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr := ""
			code, _, stderr := run(t, func(_ context.Context, s settings.Settings) error {
				addr = s.HTTPAddr
				return tc.fail
			}, tc.environ, tc.args...)
			if code != tc.code || addr != tc.addr || !strings.Contains(stderr, tc.stderr) {
				t.Errorf("code %d, address %q, want %d and %q; stderr:\n%s", code, addr, tc.code, tc.addr, stderr)
			}
		})
	}
}

func TestConfigCheckShowsValuesAndTheirSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nacre.yaml")
	if err := os.WriteFile(path, []byte("quota-group: 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := run(t, nil, []string{"NACRE_DATA_DIR=/srv/nacre"}, "config", "check", "--config", path, "--metrics=off")
	if code != ExitOK || stderr != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	got := map[string]string{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		got[f[0]] = strings.Join(f[1:], " ")
	}
	for name, want := range map[string]string{
		"SETTING":     "VALUE FROM",
		"quota-group": "5 file " + path,
		"data-dir":    "/srv/nacre environment NACRE_DATA_DIR",
		"metrics":     "off flag --metrics",
		"mode":        "standalone default",
		"members":     "- default",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	code, out, stderr = run(t, nil, []string{"NACRE_MYSQL_DSN=root:hunter2@tcp(db)/n"}, "config", "check")
	if code != ExitUsage || !strings.Contains(stderr, "mysql-dsn") || strings.Contains(out+stderr, "hunter2") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
}

func TestVersionAndHelp(t *testing.T) {
	code, out, _ := run(t, nil, nil, "version")
	if code != ExitOK || !strings.HasPrefix(out, "nacre ") || !strings.Contains(out, "commit ") || !strings.Contains(out, "go1") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	code, out, _ = run(t, nil, nil, "serve", "--help")
	if code != ExitOK {
		t.Errorf("exit %d", code)
	}
	for _, l := range settings.Default().Describe() {
		if !strings.Contains(out, "--"+l.Name) || !strings.Contains(out, "$"+l.Env) {
			t.Errorf("the help of serve does not have %s and %s", l.Name, l.Env)
		}
	}
	if code, out, _ = run(t, nil, nil, "--help"); code != ExitOK || !strings.Contains(out, "version") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}
