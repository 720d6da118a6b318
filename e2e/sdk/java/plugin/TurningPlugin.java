package nacre.sdk;

import com.alibaba.nacos.plugin.encryption.spi.EncryptionPluginService;

/** "Encrypts" by turning a text around, so that the check can tell what is stored. */
public final class TurningPlugin implements EncryptionPluginService {
    @Override
    public String encrypt(String secretKey, String content) {
        return new StringBuilder(content).reverse().toString();
    }

    @Override
    public String decrypt(String secretKey, String content) {
        Checks.same(secretKey, "the key");
        return new StringBuilder(content).reverse().toString();
    }

    @Override
    public String generateSecretKey() {
        return "the key";
    }

    @Override
    public String algorithmName() {
        return "turn";
    }

    @Override
    public String encryptSecretKey(String secretKey) {
        return "sealed:" + secretKey;
    }

    @Override
    public String decryptSecretKey(String secretKey) {
        return secretKey.replace("sealed:", "");
    }
}
