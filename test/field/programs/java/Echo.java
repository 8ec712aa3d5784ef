import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/** A runtime on Java's own client that waits for 100 Continue before it sends its answer. */
public class Echo {
  public static void main(String[] args) throws Exception {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    String api = "http://" + System.getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
    while (true) {
      HttpRequest next = HttpRequest.newBuilder(URI.create(api + "next")).build();
      HttpResponse<byte[]> event = client.send(next, BodyHandlers.ofByteArray());
      String id = event.headers().firstValue("Lambda-Runtime-Aws-Request-Id").orElseThrow();
      HttpRequest response = HttpRequest.newBuilder(URI.create(api + id + "/response"))
          .expectContinue(true).POST(BodyPublishers.ofByteArray(event.body())).build();
      HttpResponse<String> accepted = client.send(response, BodyHandlers.ofString());
      if (accepted.statusCode() != 202) throw new IllegalStateException(accepted.body());
    }
  }
}
