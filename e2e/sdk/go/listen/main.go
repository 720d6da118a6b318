// Listens for a configuration with many of Nacos' clients for Go, until its standard input ends.
//
//	listen PORT CLIENTS APP NAMESPACE GROUP DATAID
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 6 {
		return errors.New("usage: listen PORT CLIENTS APP NAMESPACE GROUP DATAID")
	}
	port, err := strconv.ParseUint(args[0], 10, 16)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nacre-listen")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for i := range count {
		if err := listen(port, filepath.Join(dir, strconv.Itoa(i)), args[2], args[3], args[4], args[5]); err != nil {
			return err
		}
	}
	fmt.Println("listening")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func listen(port uint64, dir, app, namespace, group, id string) error {
	cc := constant.ClientConfig{
		AppName: app, NamespaceId: namespace, TimeoutMs: 5000, NotLoadCacheAtStart: true, LogDir: dir, CacheDir: dir, LogLevel: "error", DisableUseSnapShot: true,
	}
	c, err := clients.NewConfigClient(vo.NacosClientParam{ClientConfig: &cc, ServerConfigs: []constant.ServerConfig{{IpAddr: "127.0.0.1", Port: port}}})
	if err != nil {
		return err
	}
	return c.ListenConfig(vo.ConfigParam{DataId: id, Group: group, OnChange: func(_, _, _, content string) { fmt.Println("changed", len(content)) }})
}
