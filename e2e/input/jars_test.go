package input

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nacre/server/config/transfer"
	"nacre/server/resource"
	"nacre/server/servertest"
)

// artifacts are libraries of the Spring world, fetched from Maven Central when the test runs. Only
// their names stand here: nothing of them is part of this repository.
var artifacts = strings.Fields(`
org.springframework.boot:spring-boot:3.3.5
org.springframework.boot:spring-boot-autoconfigure:3.3.5
org.springframework.boot:spring-boot-actuator-autoconfigure:3.3.5
org.springframework.boot:spring-boot-devtools:3.3.5
org.springframework.boot:spring-boot-test:3.3.5
org.springframework.boot:spring-boot-test-autoconfigure:3.3.5
org.springframework.boot:spring-boot-testcontainers:3.3.5
org.springframework:spring-beans:6.1.14
org.springframework:spring-context:6.1.14
org.springframework:spring-aop:6.1.14
org.springframework:spring-tx:6.1.14
org.springframework:spring-jdbc:6.1.14
org.springframework:spring-jms:6.1.14
org.springframework:spring-oxm:6.1.14
org.springframework:spring-webmvc:6.1.14
org.springframework:spring-websocket:6.1.14
org.springframework:spring-test:6.1.14
org.springframework.integration:spring-integration-core:6.3.5
org.springframework.integration:spring-integration-http:6.3.5
org.springframework.integration:spring-integration-file:6.3.5
org.springframework.batch:spring-batch-core:5.1.2
org.springframework.security:spring-security-config:6.3.4
org.springframework.data:spring-data-commons:3.3.5
org.springframework.data:spring-data-jpa:3.3.5
org.springframework.data:spring-data-redis:3.3.5
org.springframework.data:spring-data-mongodb:4.3.5
org.springframework.cloud:spring-cloud-commons:4.1.4
org.springframework.cloud:spring-cloud-context:4.1.4
org.springframework.cloud:spring-cloud-config-client:4.1.3
org.springframework.cloud:spring-cloud-config-server:4.1.3
org.springframework.cloud:spring-cloud-gateway-server:4.1.5
org.springframework.cloud:spring-cloud-netflix-eureka-client:4.1.3
org.springframework.cloud:spring-cloud-openfeign-core:4.1.3
org.springframework.cloud:spring-cloud-loadbalancer:4.1.4
org.springframework.cloud:spring-cloud-stream:4.1.3
org.mybatis.spring.boot:mybatis-spring-boot-autoconfigure:3.0.3
com.alibaba:druid-spring-boot-3-starter:1.2.23
com.alibaba.cloud:spring-cloud-starter-alibaba-nacos-config:2023.0.1.2
com.alibaba.cloud:spring-cloud-starter-alibaba-nacos-discovery:2023.0.1.2
de.codecentric:spring-boot-admin-server:3.3.4
de.codecentric:spring-boot-admin-server-ui:3.3.4
io.seata:seata-server:1.7.1
`)

// leastJars is how many jars the test must have seen files of.
const leastJars = 30

// jars returns a folder that has the artifacts. It is kept from run to run, outside of the checkout;
// NACRE_TEST_CACHE names another.
func jars(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("NACRE_TEST_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(dir, "nacre-test")
	}
	dir := filepath.Join(cache, "jars")
	if missing(dir) == 0 {
		return dir
	}
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		t.Skip("SKIPPED: mvn is not installed, so the jars can't be fetched: apt-get install maven")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var items strings.Builder
	for _, a := range artifacts {
		p := strings.Split(a, ":")
		fmt.Fprintf(&items, "<artifactItem><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></artifactItem>\n", p[0], p[1], p[2])
	}
	pom := filepath.Join(t.TempDir(), "pom.xml")
	if err := os.WriteFile(pom, fmt.Appendf(nil, pomText, dir, items.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", pom, "dependency:copy")
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("%s", out)
		t.Skipf("SKIPPED: mvn could not fetch the jars from Maven Central (%v), see above", err)
	}
	if n := missing(dir); n > 0 {
		t.Fatalf("mvn fetched all but %d of the jars", n)
	}
	return dir
}

const pomText = `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>nacre</groupId><artifactId>input</artifactId><version>1</version><packaging>pom</packaging>
<build><plugins><plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
<configuration><outputDirectory>%s</outputDirectory><artifactItems>
%s</artifactItems></configuration></plugin></plugins></build></project>
`

func missing(dir string) int {
	n := 0
	for _, a := range artifacts {
		if _, err := os.Stat(filepath.Join(dir, jarName(a))); err != nil {
			n++
		}
	}
	return n
}

func jarName(artifact string) string {
	p := strings.Split(artifact, ":")
	return p[1] + "-" + p[2] + ".jar"
}

// configuresSpring tells the files that the test is about: application*.yml and .properties,
// logback*.xml, and what begins with META-INF/spring.
func configuresSpring(name string) bool {
	base, ext := path.Base(name), path.Ext(name)
	switch {
	case strings.HasSuffix(name, "/"):
		return false
	case strings.HasPrefix(name, "META-INF/spring"):
		return true
	case strings.HasPrefix(base, "application"):
		return ext == ".yml" || ext == ".yaml" || ext == ".properties"
	case strings.HasPrefix(base, "logback"):
		return ext == ".xml"
	}
	return false
}

// unpack takes the files out of the jars: artifact/path.
func unpack(t *testing.T, dir string) tree {
	t.Helper()
	files := make(tree)
	seen := 0
	kinds := make(map[string]int)
	for _, a := range artifacts {
		z, err := zip.OpenReader(filepath.Join(dir, jarName(a)))
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		before := len(files)
		for _, f := range z.File {
			if !configuresSpring(f.Name) {
				continue
			}
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if _, err := io.Copy(&b, in); err != nil {
				t.Fatal(err)
			}
			files[strings.Split(a, ":")[1]+"/"+f.Name] = b.String()
			for _, kind := range []string{"application", "logback", "META-INF/spring"} {
				if strings.HasPrefix(f.Name, kind) || strings.HasPrefix(path.Base(f.Name), kind) {
					kinds[kind]++
				}
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if len(files) > before {
			seen++
		}
	}
	if seen < leastJars {
		t.Fatalf("only %d jars have files that configure Spring", seen)
	}
	for _, kind := range []string{"application", "logback", "META-INF/spring"} {
		if kinds[kind] == 0 {
			t.Errorf("no jar has a file %s*", kind)
		}
	}
	t.Logf("%d files out of %d jars: %v", len(files), seen, kinds)
	return files
}

func TestSpringConfigurationComesBackByteForByte(t *testing.T) {
	all := unpack(t, jars(t))
	s := servertest.Start(t)
	dir := t.TempDir()
	all.write(t, dir)
	layout := transfer.Layout{RootGroup: resource.DefaultGroup}
	files := importable(all, layout)

	out := must(t, s, "import", dir, "--namespace", "spring", "--create-namespace")
	if n := number(t, out, "result", "created"); n != len(files) || len(files) < 100 {
		t.Errorf("%d configurations were created, of %d files", n, len(files))
	}
	if n := number(t, out, "result", "left out"); n != len(all)-len(files) {
		t.Errorf("%d were left out, of %d files", n, len(all)-len(files))
	}
	checkServed(t, s, "spring", files, layout)

	before := stateOf(t, s)
	out = must(t, s, "import", dir, "--namespace", "spring", "--policy", "overwrite")
	if n := number(t, out, "result", "same"); n != len(files) || stateOf(t, s).Revision != before.Revision {
		t.Errorf("the second import: %d the same, revision %d became %d", n, before.Revision, stateOf(t, s).Revision)
	}

	told := poll(t, s, "spring", files, layout)
	changed := change(t, dir, files)
	out = must(t, s, "import", dir, "--namespace", "spring", "--policy", "overwrite")
	if n := number(t, out, "result", "updated"); n != len(changed) {
		t.Errorf("%d were updated, %d were changed", n, len(changed))
	}
	checkTold(t, told, changed, layout)

	to := t.TempDir()
	must(t, s, "export", "--namespace", "spring", "--out", to)
	compare(t, files, readTree(t, to))

	// The same through a ZIP, into another namespace.
	archive := filepath.Join(t.TempDir(), "spring.zip")
	must(t, s, "export", "--namespace", "spring", "--out", archive)
	must(t, s, "import", archive, "--namespace", "spring2", "--create-namespace")
	to = t.TempDir()
	must(t, s, "export", "--namespace", "spring2", "--out", to)
	compare(t, files, readTree(t, to))
}
